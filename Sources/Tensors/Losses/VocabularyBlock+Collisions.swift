import Glibc

extension VocabularyBlock {
  /// log Σ p² over the vocabulary, of each row.
  ///
  /// Cost: one pass over the scores; sums are taken in double, column by column.
  func logCollisions() -> [Float] {
    var sums = [Double](repeating: 0, count: chunks * rows.count)
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      compute.pool.tiles(chunks) { chunk in
        let (view, width) = (view(chunk), columns(chunk).count)
        for row in 0..<rows.count {
          let scores = view.pointer + row * view.stride
          sums[chunk * rows.count + row] = (0..<width).reduce(0.0) { $0 + Double(scores[$1]) * Double(scores[$1]) }
        }
      }
    }
    var collisions = [Float](repeating: 0, count: rows.count)
    onElements {
      for row in 0..<rows.count {
        // Scores are kept less their chunk's maximum.
        let all = (0..<chunks).reduce(0.0) { sum, chunk in
          let place = chunk * rows.count + row
          return sum + sums[place] * exp(2 * (Double(maxima.pointer[place]) - Double(logSums.pointer[row])))
        }
        collisions[row] = Float(log(all))
      }
    }
    return collisions
  }
}
