import CTensorKernels

extension Tape {
  /// x Mᵀ for a matrix that is computed on the tape, or trained by itself, in 32-bit floats.
  ///
  /// For matrices beside a model's own, whose products are ``project(_:_:)``'s.
  /// - `x`: [T, k].
  /// - `matrix`: [n, k], or [k, n] when it is not `transposed`. One that is not trained may be larger: then its first rows and
  ///   columns are taken.
  /// - `outputs`: n, where it is not all that the matrix has.
  /// - Result: [T, n].
  package func product(
    _ x: Variable, _ matrix: Variable, transposed: Bool = true, outputs: Int? = nil
  ) -> Variable {
    let (input, m) = (x.value, matrix.value)
    let (count, k) = (input.rows, input.columns)
    let (own, depth) = transposed ? (m.rows, m.columns) : (m.columns, m.rows)
    let n = outputs ?? own
    precondition(
      depth == k && own == n || depth >= k && own >= n && !matrix.needsGradient,
      "A product of rows of \(k) with \(m.shape)")
    let y = Variable(Tensor(uninitialized: [count, n]), needsGradient: x.needsGradient || matrix.needsGradient)
    rows.compute.product(input, m, transposesB: transposed, into: y.stored.tensor, k: k)
    guard let node = y.node else { return y }
    let saved = matrix.needsGradient ? input : nil
    record { [rows, x = x.node, matrix = matrix.node] in
      guard let dy = node.takeAll(rows) else { return }
      if let x {
        let dx = Tensor(uninitialized: [count, k])
        rows.compute.product(dy, m, transposesB: !transposed, into: dx, k: n)
        x.accumulate(GradientBuffer(dx), rows)
      }
      if let matrix, let saved {
        let dm = Tensor(uninitialized: m.shape)
        let (left, right) = transposed ? (dy, saved) : (saved, dy)
        rows.compute.product(left, transposesA: true, right, into: dm, k: count)
        matrix.accumulate(GradientBuffer(dm), rows)
      }
    }
    return y
  }
}

extension Compute {
  /// c[m, n] = a b in fixed tiles.
  ///
  /// - `a`: [m, k], or [k, m] when `transposesA`.
  /// - `b`: [k, n], or [n, k] when `transposesB`.
  package func product(
    _ a: Tensor, transposesA: Bool = false, _ b: Tensor, transposesB: Bool = false, into c: Tensor, k: Int
  ) {
    let (left, right, target) = (MatrixView(a), MatrixView(b), MatrixView(c))
    let grid = TileGrid(rows: c.rows, columns: c.columns, tile: TileGrid.weightTile)
    pool.tiles(grid.count) { index in
      let (rows, columns) = grid[index]
      multiply(
        transposesA ? left.from(row: 0, column: rows.lowerBound) : left.from(row: rows.lowerBound),
        transposesA: transposesA,
        transposesB ? right.from(row: columns.lowerBound) : right.from(row: 0, column: columns.lowerBound),
        transposesB: transposesB, into: target.from(row: rows.lowerBound, column: columns.lowerBound), m: rows.count,
        n: columns.count, k: k)
    }
  }
}
