extension Compute {
  /// The product of two matrices that are no weights: `scale` · a b, in fixed tiles.
  ///
  /// - Parameters:
  ///   - transposesA: Takes aᵀ in place of a.
  ///   - transposesB: Takes bᵀ in place of b.
  package func product(
    _ a: Tensor, transposesA: Bool = false, _ b: Tensor, transposesB: Bool = false, scale: Float = 1
  ) -> Tensor {
    let (m, k) = transposesA ? (a.columns, a.rows) : (a.rows, a.columns)
    let (depth, n) = transposesB ? (b.columns, b.rows) : (b.rows, b.columns)
    precondition(k == depth, "Matrices of \(a.shape) and \(b.shape) have no product")
    let y = Tensor(uninitialized: [m, n])
    let grid = TileGrid(rows: m, columns: n, tile: TileGrid.weightTile)
    pool.tiles(grid.count) { index in
      let (rows, columns) = grid[index]
      let left = MatrixView(a)
      let right = MatrixView(b)
      multiply(
        transposesA ? left.from(row: 0, column: rows.lowerBound) : left.from(row: rows.lowerBound),
        transposesA: transposesA,
        transposesB ? right.from(row: columns.lowerBound) : right.from(row: 0, column: columns.lowerBound),
        transposesB: transposesB, into: MatrixView(y).from(row: rows.lowerBound, column: columns.lowerBound),
        m: rows.count, n: columns.count, k: k, scale: scale)
    }
    return y
  }
}
