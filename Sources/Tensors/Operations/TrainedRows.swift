extension Tape {
  /// Puts trained rows into the table that they are a part of, and takes their gradient out of its own.
  ///
  /// Called before everything that reads the table. The table's gradient is there in between, and is nobody's afterwards.
  /// - `table`: [V, C], trained as far as its operations know.
  /// - `rows`: [n, C].
  /// - `places`: The row of the table that each of them is.
  package func exchange(_ rows: Parameter, _ places: [Int], with table: Parameter) {
    let width = table.value.columns
    onElements {
      for (index, place) in places.enumerated() {
        (table.value.pointer + place * width).update(from: rows.value.pointer + index * width, count: width)
      }
    }
    guard wantsGradient(of: rows) else { return }
    record { [program = self.rows] in
      program.run()
      guard let dense = table.gradient else { return }
      let gradient = rows.gradientForAccumulation()
      onElements {
        for (index, place) in places.enumerated() {
          for column in 0..<width { gradient.pointer[index * width + column] += dense.pointer[place * width + column] }
        }
      }
      table.clearGradient()
    }
  }
}
