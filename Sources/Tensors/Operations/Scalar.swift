extension Tape {
  /// A number that was computed outside of the tape from `variables`: a loss over pairs, say.
  ///
  /// - `gradients`: the derivative of `value` with respect to each variable, in its shape.
  package func scalar(of variables: [Variable], value: Float, gradients: [Tensor]) -> Variable {
    precondition(variables.count == gradients.count, "Every variable needs its derivative")
    for (variable, gradient) in zip(variables, gradients) {
      precondition(variable.value.shape == gradient.shape, "A derivative has another shape than its variable")
    }
    let compute = compute
    let y = Variable(Tensor(shape: [1], values: [value]), needsGradient: variables.contains { $0.needsGradient })
    if y.needsGradient {
      record {
        guard let dy = y.takeGradient() else { return }
        for (variable, gradient) in zip(variables, gradients) where variable.needsGradient {
          let share = gradient.copy()
          compute.scale(share, by: dy.pointer[0])
          variable.accumulate(share, compute)
        }
      }
    }
    return y
  }
}
