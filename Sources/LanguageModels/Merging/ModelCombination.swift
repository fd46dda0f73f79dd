import Glibc
import Tensors

/// How the weights of several models of one shape become those of one, as mergekit does it, tensor by tensor.
package struct ModelCombination: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Σ wᵢ Wᵢ (arXiv:2203.05482).
    case linear
    /// Along the arc from the first model to the second.
    case slerp
    /// W + Σ wᵢ (Wᵢ − W) beside a base W (arXiv:2212.04089).
    case taskArithmetic = "task_arithmetic"
    /// The largest elements of each difference stay; at each place those of the sign that wins count, and their mean is taken
    /// (arXiv:2306.01708).
    case ties
    /// Some elements of each difference stay, drawn at random, and grow by what was lost (arXiv:2311.03099).
    case dareLinear = "dare_linear"
    /// As `dare_linear`, then the signs of `ties`.
    case dareTies = "dare_ties"

    /// Whether differences from a base are combined.
    package var wantsBase: Bool { self != .linear && self != .slerp }
    /// Whether elements of differences are left out.
    package var prunes: Bool { wantsBase && self != .taskArithmetic }
    /// Whether sums are divided by the weights that went into them unless told otherwise.
    package var isNormalized: Bool { self == .linear || self == .ties }

    fileprivate var draws: Bool { self == .dareLinear || self == .dareTies }
    fileprivate var votes: Bool { self == .ties || self == .dareTies }
  }

  package var kind: Kind
  /// wᵢ, one a model.
  package var weights: [Double]
  /// Whether sums are divided by the weights that went into them.
  package var isNormalized: Bool
  /// The share of the elements of a difference that stay.
  package var density: Double
  /// How far the result is on the way from the first model to the second.
  package var way: Double
  package var seed: UInt64

  package init(
    _ kind: Kind, weights: [Double], isNormalized: Bool? = nil, density: Double = 1, way: Double = 0.5,
    seed: UInt64 = 0
  ) {
    self.kind = kind
    self.weights = weights
    self.isNormalized = isNormalized ?? kind.isNormalized
    self.density = density
    self.way = way
    self.seed = seed
  }

  /// The tensor of the result.
  ///
  /// - Parameters:
  ///   - name: What random numbers are drawn for.
  ///   - tensors: Those of the models, one at a time.
  ///   - base: That of the base, where differences are combined.
  /// - Throws: What reading a tensor throws.
  package func combined(
    _ name: String, count: Int, tensors: (Int) throws -> Tensor, base: () throws -> Tensor, pool: ThreadPool
  ) throws -> Tensor {
    switch kind {
    case .linear:
      let total = weights.reduce(0, +)
      let factor = isNormalized && abs(total) >= 1e-8 ? 1 / total : 1
      let sum = Tensor(shape: try tensors(0).shape)
      for index in 0..<count { try sum.add(tensors(index), times: Float(weights[index] * factor), pool) }
      return sum
    case .slerp: return arc(from: try tensors(0), to: try tensors(1), pool)
    case .taskArithmetic, .ties, .dareLinear, .dareTies:
      return try differences(name, count, tensors, base(), pool)
    }
  }

  /// Σ over differences from a base, added to it.
  private func differences(
    _ name: String, _ count: Int, _ tensors: (Int) throws -> Tensor, _ base: Tensor, _ pool: ThreadPool
  ) throws -> Tensor {
    let all = try (0..<count).map { index in
      let difference = try tensors(index).copy()
      difference.add(base, times: -1, pool)
      prune(difference, CounterRandom(key: RandomKey(seed: seed).child(stableHash(name)).child(UInt64(index))))
      return difference
    }
    let result = base.copy()
    let weights = weights.map { Float($0) }
    let total = weights.reduce(0, +)
    let share = isNormalized && abs(total) >= 1e-8 ? 1 / total : 1
    pool.pieces(result.count) { [isNormalized, kind] range in
      for index in range {
        guard kind.votes else {
          var sum: Float = 0
          for (weight, difference) in zip(weights, all) { sum += weight * difference.pointer[index] }
          result.pointer[index] += sum * share
          continue
        }
        var vote: Float = 0
        for (weight, difference) in zip(weights, all) { vote += weight * difference.pointer[index] }
        var (sum, counted): (Float, Float) = (0, 0)
        for (weight, difference) in zip(weights, all) {
          let value = weight * difference.pointer[index]
          guard vote >= 0 ? value > 0 : value < 0 else { continue }
          sum += value
          counted += weight
        }
        result.pointer[index] += isNormalized && counted != 0 ? sum / counted : sum
      }
    }
    return result
  }

  /// Sets the elements to zero that do not stay.
  private func prune(_ difference: Tensor, _ random: CounterRandom) {
    guard kind.prunes, density < 1 else { return }
    if kind.draws {
      var random = random
      for index in 0..<difference.count {
        difference.pointer[index] =
          Double(random.uniform()) < density ? difference.pointer[index] / Float(density) : 0
      }
      return
    }
    difference.keepLargest(Int(density * Double(difference.count)))
  }

  /// Between two tensors as between two points of a sphere; on a straight line where they lie on one.
  private func arc(from first: Tensor, to second: Tensor, _ pool: ThreadPool) -> Tensor {
    var (own, other, product) = (0.0, 0.0, 0.0)
    for index in 0..<first.count {
      let (a, b) = (Double(first.pointer[index]), Double(second.pointer[index]))
      own += a * a
      other += b * b
      product += a * b
    }
    // What has no length has no direction, and is taken as it is.
    func length(_ squares: Double) -> Double { squares.squareRoot() > 1e-8 ? squares.squareRoot() : 1 }
    let cosine = product / (length(own) * length(other))
    var shares = (1 - way, way)
    if abs(cosine) <= 0.9995 {
      let angle = acos(cosine)
      shares = (sin(angle - angle * way) / sin(angle), sin(angle * way) / sin(angle))
    }
    let result = Tensor(shape: first.shape)
    result.add(first, times: Float(shares.0), pool)
    result.add(second, times: Float(shares.1), pool)
    return result
  }
}

extension Tensor {
  /// self += factor · other.
  fileprivate func add(_ other: Tensor, times factor: Float, _ pool: ThreadPool) {
    pool.pieces(count) { range in for index in range { pointer[index] += factor * other.pointer[index] } }
  }

  /// Sets all to zero but so many of the largest elements; of equal ones the first stay.
  ///
  /// Cost: three passes, whatever the number: sizes of floats are in the order of their bits.
  fileprivate func keepLargest(_ kept: Int) {
    func size(_ index: Int) -> Int { Int(pointer[index].bitPattern & 0x7FFF_FFFF) }
    /// The largest bucket of some bits that the kept ones reach down to, and how many lie above it.
    func bucket(_ shift: Int, _ isOfThese: (Int) -> Bool, above: Int) -> (bucket: Int, above: Int) {
      var counts = [Int](repeating: 0, count: 1 << 16)
      for index in 0..<count where isOfThese(size(index)) { counts[size(index) >> shift & 0xFFFF] += 1 }
      var (bucket, above) = (0xFFFF, above)
      while bucket > 0, above + counts[bucket] < kept {
        above += counts[bucket]
        bucket -= 1
      }
      return (bucket, above)
    }
    let high = bucket(16, { _ in true }, above: 0)
    let low = bucket(0, { $0 >> 16 == high.bucket }, above: high.above)
    let least = high.bucket << 16 | low.bucket
    var equal = kept - low.above
    for index in 0..<count {
      if size(index) > least { continue }
      if size(index) == least, equal > 0 { equal -= 1 } else { pointer[index] = 0 }
    }
  }
}

extension ThreadPool {
  /// Runs over some elements in pieces of one size.
  fileprivate func pieces(_ count: Int, _ body: (Range<Int>) -> Void) {
    let size = 1 << 16
    tiles((count + size - 1) / size) { body($0 * size..<min(count, ($0 + 1) * size)) }
  }
}
