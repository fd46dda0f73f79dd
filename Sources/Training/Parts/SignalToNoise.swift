import Tensors

/// How far the singular values of a matrix stand out of those of noise (Spectrum, arXiv:2406.06623, as its authors' program
/// computes it).
package struct SignalToNoise: Sendable, Hashable {
  /// What noise of the same spread would reach: σ(1 + √β), σ from the quartiles of all values, β the ratio of the extents.
  package var bound: Double
  /// How many values are above.
  package var above: Int
  package var largest: Double
  /// The sum of the values above divided by that of the others and by the largest; infinite where there are no others.
  package var ratio: Double

  /// - Parameters:
  ///   - matrix: [m, n].
  ///   - pool: Computes products.
  /// Cost: m · n · min(m, n) multiply-adds and 4/3 min(m, n)³ more.
  package init(of matrix: Tensor, pool: ThreadPool) {
    let values = matrix.singularValues(pool: pool)
    let deviation = (Self.quantile(values, 0.75) - Self.quantile(values, 0.25)) / 1.349
    let (least, most) = (min(matrix.rows, matrix.columns), max(matrix.rows, matrix.columns))
    bound = deviation * (1 + (Double(least) / Double(most)).squareRoot())
    let (signal, noise) = values.reduce(into: (0.0, 0.0)) { [bound] sums, value in
      if value > bound { sums.0 += value } else { sums.1 += value }
    }
    above = values.count { [bound] in $0 > bound }
    largest = values.last ?? 0
    ratio = (noise > 0 ? signal / noise : .infinity) / max(largest, .leastNormalMagnitude)
  }

  /// - Parameter values: Ascending.
  private static func quantile(_ values: [Double], _ share: Double) -> Double {
    let place = share * Double(values.count - 1)
    let (low, high) = (Int(place.rounded(.down)), Int(place.rounded(.up)))
    return values[low] + (place - Double(low)) * (values[high] - values[low])
  }
}

extension Tensor {
  /// All singular values of a matrix, ascending: the roots of the eigenvalues of its product with itself, in double.
  fileprivate func singularValues(pool: ThreadPool) -> [Double] {
    let tall = columns > rows ? transposed() : self
    let size = tall.columns
    var gram = [Double](repeating: 0, count: size * size)
    let values = (0..<tall.count).map { Double(tall.pointer[$0]) }
    gram.withUnsafeMutableBufferPointer { gram in
      guard let gram = gram.baseAddress else { return }
      values.withUnsafeBufferPointer { values in
        guard let x = values.baseAddress else { return }
        // A row of the result a tile, each a sum over rows in their order.
        pool.tiles(size) { i in
          let sums = gram + i * size
          for row in 0..<tall.rows {
            let (line, factor) = (x + row * size, x[row * size + i])
            for j in 0...i { sums[j] += factor * line[j] }
          }
        }
      }
    }
    for i in 0..<size { for j in 0..<i { gram[j * size + i] = gram[i * size + j] } }
    return symmetricEigenvalues(&gram, size).map { max(0, $0).squareRoot() }
  }
}
