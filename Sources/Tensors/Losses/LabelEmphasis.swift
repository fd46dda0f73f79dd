import Glibc

/// What a label counts by what the model says of it; a constant to the gradient.
package enum LabelEmphasis: Sendable, Hashable {
  /// Its probability: dynamic fine-tuning (arXiv:2508.05629).
  case probability
  /// (H ÷ log k)^α, H the entropy of the softmax over the k highest scores: entropy-adaptive fine-tuning (arXiv:2601.02151).
  case entropy(exponent: Double, count: Int)
}

extension VocabularyBlock {
  /// What each row of the block counts.
  ///
  /// Cost for the entropy: one pass over the scores.
  func factors(_ emphasis: LabelEmphasis) -> [Float] {
    switch emphasis {
    case .probability: return logProbabilities.map { expf($0) }
    case .entropy(let exponent, let count):
      let count = min(count, head.outputs)
      var factors = [Float](repeating: 1, count: rows.count)
      factors.withUnsafeMutableBufferPointer { factors in
        guard let factors = factors.baseAddress else { return }
        compute.pool.tiles(rows.count) { row in
          let highest = highest(count, row)
          let most = highest[0]
          let weights = highest.map { exp(Double($0 - most)) }
          let sum = weights.reduce(0, +)
          let entropy = log(sum) - zip(weights, highest).reduce(0) { $0 + $1.0 * Double($1.1 - most) } / sum
          factors[row] = Float(pow(max(0, entropy) / log(Double(max(2, count))), exponent))
        }
      }
      return factors
    }
  }

  /// The highest scores of a row, the highest first.
  private func highest(_ count: Int, _ row: Int) -> [Float] {
    var found: [Float] = []
    found.reserveCapacity(count + 1)
    for chunk in 0..<chunks {
      let maximum = maxima.pointer[chunk * rows.count + row]
      if found.count == count, maximum <= found[count - 1] { continue }
      let kept = view(chunk).pointer + row * view(chunk).stride
      // What a score of the chunk is kept as where it would be among the highest.
      var least = found.count == count ? expf(found[count - 1] - maximum) : 0
      for column in 0..<columns(chunk).count where kept[column] > least || found.count < count {
        let score = maximum + logf(kept[column])
        let place = found.firstIndex { $0 < score } ?? found.count
        found.insert(score, at: place)
        if found.count > count { found.removeLast() }
        if found.count == count { least = expf(found[count - 1] - maximum) }
      }
    }
    return found
  }
}
