import CTensorKernels

extension Tape {
  /// Each block of b neighbouring columns times a matrix of its own: yᵢ = xᵢ Rᵢ.
  ///
  /// - `x`: [T, n · b].
  /// - `blocks`: [n, b, b].
  package func rotateBlocks(_ x: Variable, _ blocks: Variable) -> Variable {
    let (input, r) = (x.value, blocks.value)
    let (count, columns, size) = (input.rows, input.columns, r.shape[2])
    precondition(r.shape[0] * size == columns, "Blocks of \(r.shape) are for another width than \(columns)")
    let y = Variable(Tensor(uninitialized: [count, columns]), needsGradient: x.needsGradient || blocks.needsGradient)
    rows.compute.blockProducts(input, r, transposes: false, into: y.stored.tensor)
    guard let node = y.node else { return y }
    let saved = blocks.needsGradient ? input : nil
    record { [rows, x = x.node, blocks = blocks.node] in
      guard let dy = node.takeAll(rows) else { return }
      if let x {
        let dx = Tensor(uninitialized: [count, columns])
        rows.compute.blockProducts(dy, r, transposes: true, into: dx)
        x.accumulate(GradientBuffer(dx), rows)
      }
      if let blocks, let saved {
        let dr = Tensor(uninitialized: r.shape)
        rows.compute.pool.tiles(r.shape[0]) { block in
          multiply(
            MatrixView(saved).from(row: 0, column: block * size), transposesA: true,
            MatrixView(dy).from(row: 0, column: block * size),
            into: MatrixView(dr.pointer + block * size * size, stride: size), m: size, n: size, k: count)
        }
        blocks.accumulate(GradientBuffer(dr), rows)
      }
    }
    return y
  }

  /// The columns of x in another order: column c of the result is column `order[c]` of x.
  package func permuteColumns(_ x: Variable, _ order: [Int]) -> Variable {
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    rows.addPermutation(of: x.stored, order, into: y.stored)
    if let node = y.node {
      record { [rows, x = x.node] in
        guard let dy = node.take()?.array else { return }
        var back = order
        for (place, column) in order.enumerated() { back[column] = place }
        let dx = RowArray(dy.shape)
        rows.addPermutation(of: dy, back, into: dx)
        x?.accumulate(GradientBuffer(dx), rows)
      }
    }
    return y
  }
}

extension RowProgram {
  fileprivate func addPermutation(of x: RowArray, _ order: [Int], into y: RowArray) {
    let columns = x.columns
    precondition(order.count == columns, "An order of \(order.count) is for another width than \(columns)")
    add(rows: x.rows, [x, y]) { tile in
      let (y, x) = (y.first(of: tile), x.first(of: tile))
      for row in 0..<tile.rows.count {
        for column in 0..<columns { y[row * columns + column] = x[row * columns + order[column]] }
      }
    }
  }
}

extension Compute {
  /// yᵢ = xᵢ Rᵢ, or xᵢ Rᵢᵀ, block by block of the columns.
  fileprivate func blockProducts(_ x: Tensor, _ blocks: Tensor, transposes: Bool, into y: Tensor) {
    let size = blocks.shape[2]
    pieces(of: x.rows, size: 256) { rows in
      for block in 0..<blocks.shape[0] {
        multiply(
          MatrixView(x).from(row: rows.lowerBound, column: block * size),
          MatrixView(blocks.pointer + block * size * size, stride: size), transposesB: transposes,
          into: MatrixView(y).from(row: rows.lowerBound, column: block * size), m: rows.count, n: size, k: size)
      }
    }
  }
}
