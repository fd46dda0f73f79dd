import Tensors

/// How several adapters of low rank become one: their updates ΔW = scale · B·A are combined, and the sum is made of low rank
/// again.
package struct AdapterCombination: Sendable, Hashable {
  /// What becomes of the elements of the updates before they are added.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Nothing: Σ wᵢ ΔWᵢ (task arithmetic, arXiv:2212.04089).
    case linear
    /// The largest of each stay; at each place only those of the sign that wins are counted, and their mean is taken
    /// (arXiv:2306.01708).
    case ties
    /// Some of each stay, drawn at random, and grow by what was lost (arXiv:2311.03099).
    case dare
    /// As `dare`, then the signs of `ties`.
    case dareTies = "dare_ties"
    /// The largest of each stay.
    case magnitude

    /// Whether elements are left out.
    package var prunes: Bool { self != .linear }
  }

  package var kind: Kind
  /// The share of the elements that stay.
  package var density: Double
  /// The rank of the result; nil takes the exact sum where nothing is left out, and the largest of the ranks otherwise.
  package var rank: Int?
  package var seed: UInt64

  package init(_ kind: Kind, density: Double = 1, rank: Int? = nil, seed: UInt64 = 0) {
    self.kind = kind
    self.density = density
    self.rank = rank
    self.seed = seed
  }

  /// One update: wᵢ, and A [R, in] and B [out, R] with what their product is multiplied by.
  package struct Part {
    package var weight: Double
    package var a: Tensor
    package var b: Tensor
    package var scale: Float

    package init(weight: Double, a: Tensor, b: Tensor, scale: Float) {
      self.weight = weight
      self.a = a
      self.b = b
      self.scale = scale
    }
  }

  /// The rank of the result.
  ///
  /// - Parameter ranks: Of each adapter the largest of a map.
  package func rank(of ranks: [Int]) -> Int {
    rank ?? (kind.prunes ? ranks.max() ?? 1 : ranks.reduce(0, +))
  }

  /// A [R, in] and B [out, R] whose product, times 1, is the combination, or the nearest of its rank.
  ///
  /// - Parameter name: What random numbers are drawn for.
  package func combined(_ parts: [Part], rank: Int, name: String, compute: Compute) -> (a: Tensor, b: Tensor) {
    guard let first = parts.first else { preconditionFailure("An adapter stands beside the map") }
    let (inputs, outputs) = (first.a.columns, first.b.rows)
    let (a, b) = (Tensor(shape: [rank, inputs]), Tensor(shape: [outputs, rank]))
    if !kind.prunes, parts.reduce(0, { $0 + $1.a.rows }) <= rank {
      var start = 0
      for part in parts {
        let own = part.a.rows
        let factor = Float(part.weight * Double(part.scale))
        onElements {
          for index in 0..<part.a.count { a.pointer[start * inputs + index] = factor * part.a.pointer[index] }
          for row in 0..<outputs {
            for r in 0..<own { b.pointer[row * rank + start + r] = part.b.pointer[row * own + r] }
          }
        }
        start += own
      }
      return (a, b)
    }
    let random = CounterRandom(key: RandomKey(seed: seed).child(stableHash(name)))
    let kept = min(rank, min(inputs, outputs))
    let values = SingularValues(of: sum(parts, random, compute), count: kept, random)
    onElements {
      for r in 0..<kept {
        for column in 0..<inputs { a.pointer[r * inputs + column] = Float(values.right[r][column]) }
        for row in 0..<outputs { b.pointer[row * rank + r] = Float(values.values[r] * values.left[r][row]) }
      }
    }
    return (a, b)
  }

  /// The combined update [out, in].
  private func sum(_ parts: [Part], _ random: CounterRandom, _ compute: Compute) -> Tensor {
    var random = random
    let updates = parts.map { part in
      let update = compute.product(part.b, part.a)
      for index in 0..<update.count { update.pointer[index] *= part.scale }
      prune(update, &random)
      return update
    }
    let result = Tensor(shape: updates[0].shape)
    let votes = kind == .ties || kind == .dareTies
    compute.pool.tiles(result.rows) { row in
      for index in row * result.columns..<(row + 1) * result.columns {
        guard votes else {
          result.pointer[index] = zip(parts, updates).reduce(0) { $0 + Float($1.0.weight) * $1.1.pointer[index] }
          continue
        }
        let total = updates.reduce(0) { $0 + $1.pointer[index] }
        var (sum, count) = (Float(0), Float(0))
        for (part, update) in zip(parts, updates) {
          let value = update.pointer[index]
          guard total >= 0 ? value > 0 : value < 0 else { continue }
          sum += Float(part.weight) * value
          count += 1
        }
        result.pointer[index] = sum / max(1, count)
      }
    }
    return result
  }

  /// Sets the elements to zero that do not stay.
  private func prune(_ update: Tensor, _ random: inout CounterRandom) {
    guard density < 1 else { return }
    switch kind {
    case .linear: return
    case .ties, .magnitude:
      let sizes = update.values.map(abs).sorted(by: >)
      let count = Int(density * Double(update.count))
      let least = count == 0 ? Float.infinity : sizes[count - 1]
      for index in 0..<update.count where abs(update.pointer[index]) < least { update.pointer[index] = 0 }
    case .dare, .dareTies:
      for index in 0..<update.count {
        update.pointer[index] = Double(random.uniform()) < density ? update.pointer[index] / Float(density) : 0
      }
    }
  }
}
