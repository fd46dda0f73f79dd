extension Tape {
  /// Heads turned to the positions of their rows, for models that go on with them before attention: [T, heads · D].
  ///
  /// - Parameters:
  ///   - positions: [T], rows of the table (``RotaryTable/rows(of:in:)``).
  ///   - dimension: D, of which `table` turns all or a part.
  /// - Throws: ``TensorError/positionBeyondTable(position:maximum:)``.
  package func rotate(_ x: Variable, _ table: RotaryTable, positions: [Int32], dimension: Int) throws -> Variable {
    if let last = positions.max(), Int(last) >= table.cosines.rows {
      throw TensorError.positionBeyondTable(
        position: Int(last) - (table.boundary ?? 0), maximum: table.maximumPosition)
    }
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    rows.addTurning(of: x.stored, into: y.stored, table, positions, dimension, inverse: false)
    if let node = y.node {
      record { [rows, x = x.node] in
        guard let dy = node.take()?.array else { return }
        let dx = RowArray(dy.shape)
        rows.addTurning(of: dy, into: dx, table, positions, dimension, inverse: true)
        x?.accumulate(GradientBuffer(dx), rows)
      }
    }
    return y
  }
}

extension RowProgram {
  fileprivate func addTurning(
    of x: RowArray, into y: RowArray, _ table: RotaryTable, _ positions: [Int32], _ dimension: Int, inverse: Bool
  ) {
    let kernels = compute.kernels.functions
    add(rows: x.rows, [x, y]) { tile in
      y.first(of: tile).update(from: x.first(of: tile), count: tile.rows.count * x.columns)
      positions[tile.rows].withUnsafeBufferPointer { buffer in
        guard let positions = buffer.baseAddress else { return }
        for start in stride(from: table.start, to: x.columns, by: dimension) {
          table.turn(
            x.view(tile).from(row: 0, column: start), to: y.view(tile).from(row: 0, column: start),
            rows: tile.rows.count, positions: positions, scale: 1, inverse: inverse, accumulates: false, kernels)
        }
      }
    }
  }
}
