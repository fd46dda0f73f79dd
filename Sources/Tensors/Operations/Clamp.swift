extension Tape {
  /// x within ±limit, element by element; what lies outside has no derivative.
  package func clamp(_ x: Variable, to limit: Float) -> Variable {
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    let (value, input) = (y.stored, x.stored)
    let (count, columns) = (value.rows, value.columns)
    rows.add(rows: count, [value, input]) { tile in
      let (y, x) = (value.first(of: tile), input.first(of: tile))
      // A number that is none stays one.
      for index in 0..<tile.rows.count * columns {
        y[index] = x[index] > limit ? limit : x[index] < -limit ? -limit : x[index]
      }
    }
    guard let node = y.node else { return y }
    let saved = keep(input)
    record { [rows, x = x.node] in
      guard let dy = node.take()?.array else { return }
      let dx = RowArray(dy.shape)
      rows.add(rows: count, [dy, saved, dx]) { tile in
        let (dx, dy, x) = (dx.first(of: tile), dy.first(of: tile), saved.first(of: tile))
        for index in 0..<tile.rows.count * columns { dx[index] = abs(x[index]) > limit ? 0 : dy[index] }
      }
      x?.accumulate(GradientBuffer(dx), rows)
    }
    return y
  }
}
