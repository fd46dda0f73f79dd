import Glibc

extension VocabularyBlock {
  /// −Σ p log p over the vocabulary of each row, in nats.
  ///
  /// Cost: one pass over the scores, with a logarithm of each.
  func entropies() -> [Float] {
    // Σ e · log e with e = e^(score − the chunk's maximum), and Σ e.
    var products = [Double](repeating: 0, count: chunks * rows.count)
    var sums = products
    products.withUnsafeMutableBufferPointer { products in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let products = products.baseAddress, let sums = sums.baseAddress else { return }
        compute.pool.tiles(chunks) { chunk in
          let (view, width) = (view(chunk), columns(chunk).count)
          for row in 0..<rows.count {
            let scores = view.pointer + row * view.stride
            var (product, sum) = (0.0, 0.0)
            for column in 0..<width where scores[column] > 0 {
              product += Double(scores[column] * logf(scores[column]))
              sum += Double(scores[column])
            }
            products[chunk * rows.count + row] = product
            sums[chunk * rows.count + row] = sum
          }
        }
      }
    }
    var entropies = [Float](repeating: 0, count: rows.count)
    onElements {
      for row in 0..<rows.count {
        let logSum = Double(logSums.pointer[row])
        // log p = log e + the chunk's maximum − log Σ.
        let all = (0..<chunks).reduce(0.0) { total, chunk in
          let place = chunk * rows.count + row
          let away = Double(maxima.pointer[place]) - logSum
          return total + exp(away) * (products[place] + away * sums[place])
        }
        entropies[row] = Float(max(0, -all))
      }
    }
    return entropies
  }
}
