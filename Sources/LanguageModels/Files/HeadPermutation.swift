/// The order in which a file stores the rows of a tensor, compared with Hugging Face's, which the computation uses.
package enum HeadPermutation: Sendable, Hashable {
  case natural
  /// In each of `heads` groups of rows, row 2i is row i of Hugging Face's order and row 2i+1 is row i + half.
  case interleaved(heads: Int)
  /// All queries, then all keys, then all values, where Hugging Face has for each key-value head its `group` queries, its
  /// key and its value.
  case consecutive(keyValueHeads: Int, group: Int)

  /// Puts the rows of a file into Hugging Face's order, in place.
  ///
  /// - Parameters:
  ///   - values: [rows, columns], row-major; a vector has one column. `rows` is a multiple of 2 · heads.
  ///   - columns: Values in a row.
  package func restore(_ values: UnsafeMutableBufferPointer<Float>, columns: Int) {
    guard columns > 0 else { return }
    switch self {
    case .natural: return
    case .interleaved(let heads):
      move(values, columns: columns, heads: heads) { file, half in (file % 2) * half + file / 2 }
    case .consecutive(let keyValueHeads, let group):
      regroup(values, columns: columns, keyValueHeads: keyValueHeads, group: group)
    }
  }

  /// Which row of the file each row of Hugging Face's order is; nil where they are the same.
  package func places(of rows: Int) -> [Int32]? {
    if case .natural = self { return nil }
    var numbers = (0..<rows).map { Float($0) }
    numbers.withUnsafeMutableBufferPointer { restore($0, columns: 1) }
    return numbers.map { Int32($0) }
  }

  /// Puts rows in Hugging Face's order into the file's order, in place: the reverse of ``restore(_:columns:)``.
  package func apply(_ values: UnsafeMutableBufferPointer<Float>, columns: Int) {
    guard case .interleaved(let heads) = self, columns > 0 else { return }
    move(values, columns: columns, heads: heads) { row, half in (row % half) * 2 + row / half }
  }

  /// Puts the heads of a fused map from queries, keys and values into groups.
  private func regroup(
    _ values: UnsafeMutableBufferPointer<Float>, columns: Int, keyValueHeads: Int, group: Int
  ) {
    let size = values.count / (keyValueHeads * (group + 2))
    precondition(size * keyValueHeads * (group + 2) == values.count, "rows do not divide into heads")
    let file = [Float](values)
    func put(_ head: Int, _ target: Int) {
      for index in 0..<size { values[target * size + index] = file[head * size + index] }
    }
    let queries = keyValueHeads * group
    for head in 0..<keyValueHeads {
      for member in 0..<group { put(head * group + member, head * (group + 2) + member) }
      put(queries + head, head * (group + 2) + group)
      put(queries + keyValueHeads + head, head * (group + 2) + group + 1)
    }
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
