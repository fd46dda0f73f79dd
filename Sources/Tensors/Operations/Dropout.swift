import CTensorKernels

extension Tape {
  /// x with elements dropped at random and the others scaled up (arXiv:1207.0580); x itself where nothing drops.
  ///
  /// - Parameter stream: Keeps the masks of different operations apart.
  package func dropout(_ x: Variable, probability: Float, stream: UInt64) -> Variable {
    guard drops, probability > 0 else { return x }
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    let key = step.child(stream)
    rows.addDropout(of: x.stored, probability, key, into: y.stored)
    if let node = y.node {
      record { [rows, x = x.node] in
        guard let dy = node.take()?.array else { return }
        let dx = RowArray(dy.shape)
        rows.addDropout(of: dy, probability, key, into: dx)
        x?.accumulate(GradientBuffer(dx), rows)
      }
    }
    return y
  }
}

extension RowProgram {
  fileprivate func addDropout(of x: RowArray, _ probability: Float, _ key: RandomKey, into y: RowArray) {
    let (threshold, scale) = (UInt32(Double(probability) * 0x1p32), 1 / (1 - probability))
    let columns = x.columns
    let dropout = compute.kernels.functions.pointee.dropout
    add(rows: x.rows, [x, y]) { tile in
      dropout?(
        y.first(of: tile), x.first(of: tile), tile.rows.count * columns, UInt64(tile.rows.lowerBound * columns),
        key.seed, threshold, scale)
    }
  }
}
