extension Tape {
  /// A parameter as a value that operations compute with.
  ///
  /// Made inside of what is recomputed, where that is: see ``recomputed(_:when:_:)``.
  package func variable(of parameter: Parameter) -> Variable {
    let y = Variable(parameter.value, needsGradient: wantsGradient(of: parameter))
    if let node = y.node {
      record { [rows] in
        guard let dy = node.takeAll(rows) else { return }
        rows.compute.add(1, times: dy, to: parameter.gradientForAccumulation())
      }
    }
    return y
  }

  /// A value that was computed outside of the tape from small variables: a rotation from its angles, say.
  ///
  /// - Parameter gradients: From the derivative with respect to `value` those with respect to each of `inputs`, in its shape;
  ///   asked once at most. Where memory is only counted it gets tensors without elements.
  package func derived(
    from inputs: [Variable], _ value: Tensor, gradients: @escaping (_ dy: Tensor) -> [Tensor]
  ) -> Variable {
    let y = Variable(value, needsGradient: inputs.contains { $0.needsGradient })
    if let node = y.node {
      record { [rows, nodes = inputs.map(\.node)] in
        guard let dy = node.takeAll(rows) else { return }
        for (node, gradient) in zip(nodes, gradients(dy)) { node?.accumulate(GradientBuffer(gradient), rows) }
      }
    }
    return y
  }

  /// Runs operations whose values are wanted wherever they stand; see ``withoutRecomputation(_:)``.
  package func computing<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = computes
    computes = true
    defer { computes = before }
    return try body()
  }
}
