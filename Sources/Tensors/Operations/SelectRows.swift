import CTensorKernels

extension Tape {
  /// The given rows of x [T, C] in the given order, also repeatedly: [rows, C].
  ///
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)`` for a row that x does not have.
  package func selectRows(_ x: Variable, _ rows: [Int32]) throws -> Variable {
    let width = x.value.columns
    try checkIDs(rows, below: x.value.rows, operation: "select rows")
    let compute = compute
    let y = Variable(Tensor(uninitialized: [rows.count, width]), needsGradient: x.needsGradient)
    for (to, from) in rows.enumerated() {
      (y.value.pointer + to * width).update(from: x.value.pointer + Int(from) * width, count: width)
    }
    if y.needsGradient {
      record {
        guard let dy = y.takeGradient() else { return }
        let (dx, accumulates) = x.gradientTarget()
        if !accumulates { dx.pointer.update(repeating: 0, count: dx.count) }
        for (from, to) in rows.enumerated() {
          let target = dx.pointer + Int(to) * width
          compute.kernels.functions.pointee.add(target, target, dy.pointer + from * width, width)
        }
      }
    }
    return y
  }
}
