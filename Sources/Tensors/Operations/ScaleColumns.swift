import CTensorKernels

extension Tape {
  /// Each column of x times a number of its own.
  ///
  /// - `x`: [T, C].
  /// - `factors`: C elements of any shape.
  package func scaleColumns(_ x: Variable, by factors: Variable) -> Variable {
    let (count, columns) = (x.stored.rows, x.stored.columns)
    let v = factors.value
    precondition(v.count == columns, "\(columns) columns want as many factors, found \(v.count)")
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient || factors.needsGradient)
    rows.addColumnScaling(of: x.stored, by: v, into: y.stored)
    guard let node = y.node else { return y }
    let saved = factors.needsGradient ? keep(x.stored) : nil
    record { [rows, x = x.node, factors = factors.node] in
      guard let dy = node.take() else { return }
      if let x {
        let dx = RowArray([count, columns])
        rows.addColumnScaling(of: dy.array, by: v, into: dx)
        x.accumulate(GradientBuffer(dx), rows)
      }
      guard let factors, let saved else { return }
      rows.run()
      withExtendedLifetime(dy) {
        let sum = Tensor(shape: v.shape)
        rows.compute.pieces(of: columns, size: 64) { piece in
          for row in 0..<count {
            let start = row * columns
            for column in piece {
              sum.pointer[column] += dy.array.tensor.pointer[start + column] * saved.tensor.pointer[start + column]
            }
          }
        }
        factors.accumulate(GradientBuffer(sum), rows)
      }
    }
    return y
  }
}

extension RowProgram {
  fileprivate func addColumnScaling(of x: RowArray, by factors: Tensor, into y: RowArray) {
    let columns = x.columns
    add(rows: x.rows, [x, y]) { tile in
      let (y, x) = (y.first(of: tile), x.first(of: tile))
      for row in 0..<tile.rows.count {
        for column in 0..<columns { y[row * columns + column] = x[row * columns + column] * factors.pointer[column] }
      }
    }
  }
}
