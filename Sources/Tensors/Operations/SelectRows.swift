import CTensorKernels

extension Tape {
  /// The given rows of x [T, C] in the given order, also repeatedly: [rows, C].
  ///
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)`` for a row that x does not have.
  package func selectRows(_ x: Variable, _ rows: [Int32]) throws -> Variable {
    let source = x.value
    let width = source.columns
    try checkIDs(rows, below: source.rows, operation: "select rows")
    let selected = Tensor(uninitialized: [rows.count, width])
    let y = Variable(selected, needsGradient: x.needsGradient)
    compute.pieces(of: rows.count, size: 128) { piece in
      for to in piece {
        (selected.pointer + to * width).update(from: source.pointer + Int(rows[to]) * width, count: width)
      }
    }
    if let node = y.node, let input = x.node {
      record { [program = self.rows] in
        guard let dy = node.takeAll(program) else { return }
        let target = input.target(program)
        program.run()
        let (dx, accumulates) = (target.array.tensor, target.accumulates)
        onElements {
          if !accumulates { dx.pointer.update(repeating: 0, count: dx.count) }
          for (from, to) in rows.enumerated() {
            let target = dx.pointer + Int(to) * width
            program.compute.kernels.functions.pointee.add(target, target, dy.pointer + from * width, width)
          }
        }
      }
    }
    return y
  }
}
