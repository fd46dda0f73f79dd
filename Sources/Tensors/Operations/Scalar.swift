extension Tape {
  /// A number that was computed outside of the tape from `variables`: a loss over pairs, say.
  ///
  /// - `gradients`: the derivative of `value` with respect to each variable, in its shape.
  package func scalar(of variables: [Variable], value: Float, gradients: [Tensor]) -> Variable {
    precondition(variables.count == gradients.count, "Every variable needs its derivative")
    for (variable, gradient) in zip(variables, gradients) {
      precondition(variable.stored.shape == gradient.shape, "A derivative has another shape than its variable")
    }
    let y = Variable(Tensor(shape: [1], values: [value]), needsGradient: variables.contains { $0.needsGradient })
    if let node = y.node {
      record { [rows, nodes = variables.map(\.node)] in
        guard let dy = node.takeAll(rows) else { return }
        for case (let variable?, let gradient) in zip(nodes, gradients) {
          let share = gradient.copy()
          rows.compute.scale(share, by: dy.values[0])
          variable.accumulate(GradientBuffer(share), rows)
        }
      }
    }
    return y
  }
}
