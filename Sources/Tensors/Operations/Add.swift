extension Tape {
  /// a + b, of one shape.
  package func add(_ a: Variable, _ b: Variable) -> Variable {
    precondition(a.value.shape == b.value.shape, "A sum needs arrays of one shape")
    let compute = compute
    let y = Variable(compute.sum(a.value, b.value), needsGradient: a.needsGradient || b.needsGradient)
    if y.needsGradient {
      record {
        guard let dy = y.takeGradient() else { return }
        a.accumulate(dy, compute)
        b.accumulate(dy, compute)
      }
    }
    return y
  }
}
