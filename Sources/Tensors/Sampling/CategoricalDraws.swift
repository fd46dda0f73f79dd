import CTensorKernels

extension Compute {
  /// A column of each row, drawn with the probabilities softmax(row ÷ temperature): [N].
  ///
  /// The first column, from the left, at which the probabilities reach the row's random number. Cost: O(N · V).
  /// - Parameters:
  ///   - logits: [N, V], overwritten.
  ///   - temperature: Above 0.
  ///   - uniforms: A number from 0 to below 1 for each row.
  package func draws(from logits: Tensor, temperature: Float, uniforms: [Float]) -> [Int32] {
    precondition(logits.rows == uniforms.count && temperature > 0, "A number for each row")
    let columns = logits.columns
    var drawn = [Int32](repeating: 0, count: logits.rows)
    drawn.withUnsafeMutableBufferPointer { drawn in
      nonisolated(unsafe) let drawn = drawn
      pool.tiles(logits.rows) { row in
        let scores = logits.pointer + row * columns
        if temperature != 1 { for column in 0..<columns { scores[column] /= temperature } }
        var (greatest, total, factor) = (-Float.infinity, Float(0), Float(0))
        kernels.functions.pointee.softmax_rows(
          scores, columns, 1, columns, -(1 << 40), columns, &greatest, &total, &factor)
        var sum = 0.0
        for column in 0..<columns { sum += Double(scores[column]) }
        let target = Double(uniforms[row]) * sum
        var reached = 0.0
        // Where rounding leaves the sum a little below, the last column that is possible at all.
        var choice = 0
        for column in 0..<columns where scores[column] > 0 {
          choice = column
          reached += Double(scores[column])
          if target < reached { break }
        }
        drawn[row] = Int32(choice)
      }
    }
    return drawn
  }

  /// The column of the greatest element of each row, the first of equals: [N].
  package func greatest(of logits: Tensor) -> [Int32] {
    (0..<logits.rows).map { row in
      let scores = UnsafeBufferPointer(start: logits.pointer + row * logits.columns, count: logits.columns)
      return Int32(scores.indices.max { scores[$0] < scores[$1] } ?? 0)
    }
  }
}
