/// The order in which a file stores the rows of a tensor, compared with Hugging Face's, which the computation uses.
package enum HeadPermutation: Sendable, Hashable {
  case natural
  /// In each of `heads` groups of rows, row 2i is row i of Hugging Face's order and row 2i+1 is row i + half.
  case interleaved(heads: Int)

  /// Puts the rows of a file into Hugging Face's order, in place.
  ///
  /// - Parameters:
  ///   - values: [rows, columns], row-major; a vector has one column. `rows` is a multiple of 2 · heads.
  ///   - columns: Values in a row.
  package func restore(_ values: UnsafeMutableBufferPointer<Float>, columns: Int) {
    guard case .interleaved(let heads) = self, columns > 0 else { return }
    move(values, columns: columns, heads: heads) { file, half in (file % 2) * half + file / 2 }
  }

  /// Puts rows in Hugging Face's order into the file's order, in place: the reverse of ``restore(_:columns:)``.
  package func apply(_ values: UnsafeMutableBufferPointer<Float>, columns: Int) {
    guard case .interleaved(let heads) = self, columns > 0 else { return }
    move(values, columns: columns, heads: heads) { row, half in (row % half) * 2 + row / half }
  }

  /// Moves row `r` of each head to row `target(r, rows / 2)` of it.
  private func move(
    _ values: UnsafeMutableBufferPointer<Float>, columns: Int, heads: Int, target: (Int, Int) -> Int
  ) {
    let rows = values.count / columns / heads
    precondition(rows * heads * columns == values.count && rows % 2 == 0, "rows do not divide into heads")
    var head = [Float](repeating: 0, count: rows * columns)
    for start in stride(from: 0, to: values.count, by: rows * columns) {
      for index in head.indices { head[index] = values[start + index] }
      for row in 0..<rows {
        let to = start + target(row, rows / 2) * columns
        for column in 0..<columns { values[to + column] = head[row * columns + column] }
      }
    }
  }
}
