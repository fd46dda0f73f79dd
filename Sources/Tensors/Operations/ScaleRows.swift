import CTensorKernels

extension Tape {
  /// Each row times a number of its own; x itself where all are 1.
  ///
  /// - `x`: [T, C].
  /// - `factors`: [T].
  package func scaleRows(_ x: Variable, by factors: [Float]) -> Variable {
    precondition(factors.count == x.stored.rows, "Rows need a factor each")
    if factors.allSatisfy({ $0 == 1 }) { return x }
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    rows.addScaling(of: x.stored, byRows: factors, into: y.stored)
    if let node = y.node {
      record { [rows, x = x.node] in
        guard let dy = node.take()?.array else { return }
        let dx = RowArray(dy.shape)
        rows.addScaling(of: dy, byRows: factors, into: dx)
        x?.accumulate(GradientBuffer(dx), rows)
      }
    }
    return y
  }
}

extension RowProgram {
  fileprivate func addScaling(of x: RowArray, byRows factors: [Float], into y: RowArray) {
    let kernels = compute.kernels.functions
    add(rows: x.rows, [x, y]) { tile in
      let values = y.first(of: tile)
      values.update(from: x.first(of: tile), count: tile.rows.count * x.columns)
      for (place, row) in tile.rows.enumerated() {
        kernels.pointee.scale(values + place * x.columns, factors[row], x.columns)
      }
    }
  }
}
