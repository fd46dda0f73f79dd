import CTensorKernels

extension Tape {
  /// factor · x, element by element; x itself for 1.
  package func scale(_ x: Variable, by factor: Float) -> Variable {
    if factor == 1 { return x }
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    rows.addScaling(of: x.stored, by: factor, into: y.stored)
    if let node = y.node {
      record { [rows, x = x.node] in
        guard let dy = node.take()?.array else { return }
        let dx = RowArray(dy.shape)
        rows.addScaling(of: dy, by: factor, into: dx)
        x?.accumulate(GradientBuffer(dx), rows)
      }
    }
    return y
  }
}

extension RowProgram {
  fileprivate func addScaling(of x: RowArray, by factor: Float, into y: RowArray) {
    let scale = compute.kernels.functions.pointee.scale
    add(rows: x.rows, [x, y]) { tile in
      let count = tile.rows.count * x.columns
      y.first(of: tile).update(from: x.first(of: tile), count: count)
      scale?(y.first(of: tile), factor, count)
    }
  }
}
