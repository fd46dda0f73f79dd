extension Compute {
  /// x Wᵀ without a tape, for picking the next token: [rows, V].
  package func scores(_ x: Tensor, head: MatrixWeight) -> Tensor {
    precondition(x.columns == head.inputs, "The head wants rows of \(head.inputs), found \(x.columns)")
    let y = Tensor(uninitialized: [x.rows, head.outputs])
    let grid = TileGrid(rows: y.rows, columns: y.columns, tile: (TileGrid.activationTile.rows, 2048))
    pool.tiles(grid.count) { tile in
      let (rows, columns) = grid[tile]
      head.apply(
        to: MatrixView(x).from(row: rows.lowerBound), rows: rows.count, outputs: columns,
        into: MatrixView(y).from(row: rows.lowerBound, column: columns.lowerBound), self)
    }
    return y
  }
}
