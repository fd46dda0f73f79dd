import Glibc

/// How a mixture of experts chooses some of its experts for each token, and how much each of them counts.
package struct RoutingRule: Sendable, Hashable {
  /// What makes scores of the router's numbers.
  package enum Scoring: Sendable, Hashable {
    /// Of all experts.
    case softmax
    case sigmoid
  }

  /// What the scores of the chosen experts are divided by.
  package enum Normalisation: Sendable, Hashable {
    case none
    /// Their sum and a small number.
    case sum(epsilon: Float)
    /// Their sum, at least so much.
    case sumAtLeast(Float)
  }

  /// Neighbouring experts of which only the best groups are chosen from (DeepSeek-V2, arXiv:2405.04434).
  package struct Groups: Sendable, Hashable {
    package var count: Int
    package var chosen: Int
    /// Whether a group counts by its two best scores together; by its best one otherwise.
    package var countsTwo: Bool

    package init(count: Int, chosen: Int, countsTwo: Bool) {
      self.count = count
      self.chosen = chosen
      self.countsTwo = countsTwo
    }
  }

  package var scoring: Scoring
  /// How many experts a token goes to.
  package var chosen: Int
  package var normalisation: Normalisation
  /// What the weights are multiplied by.
  package var scale: Float
  package var groups: Groups?

  package init(
    _ scoring: Scoring = .softmax, chosen: Int, normalisation: Normalisation = .none, scale: Float = 1,
    groups: Groups? = nil
  ) {
    self.scoring = scoring
    self.chosen = chosen
    self.normalisation = normalisation
    self.scale = scale
    self.groups = groups
  }
}

extension Tape {
  /// Chooses experts: their numbers, k for each row in ascending order, and their weights [T, k].
  ///
  /// The choice has no derivative, the weights have.
  /// - Parameters:
  ///   - logits: The router's numbers, [T, E].
  ///   - correction: What is added to the scores for the choice alone, [E].
  package func route(
    _ logits: Variable, _ rule: RoutingRule, correction: Tensor? = nil
  ) -> (experts: [Int32], weights: Variable) {
    let values = logits.value
    let scores = Tensor(uninitialized: values.shape)
    let count = values.columns
    // Without elements every expert is chosen as often.
    var experts: [Int32] = MemoryCount.current == nil ? [] : rule.turns(rows: values.rows, of: count)
    let weights = Tensor(uninitialized: [values.rows, rule.chosen])
    onElements {
      for row in 0..<values.rows {
        rule.score(values.pointer + row * count, into: scores.pointer + row * count, count: count)
        let chosen = rule.choose(scores.pointer + row * count, count: count, correction: correction)
        experts += chosen.map { Int32($0) }
        rule.weigh(scores.pointer + row * count, chosen, into: weights.pointer + row * rule.chosen)
      }
    }
    if run != .second { balance?.add(logits: values, chosen: rule.chosen) }
    let result = Variable(weights, needsGradient: logits.needsGradient)
    if let node = result.node, let target = logits.node {
      record { [rows, experts, balance] in
        let dw = node.takeAll(rows)
        let dLogits = Tensor(shape: scores.shape)
        onElements {
          for row in 0..<scores.rows {
            let d = dLogits.pointer + row * count
            if let dw {
              let chosen = experts[row * rule.chosen..<(row + 1) * rule.chosen].map { Int($0) }
              rule.addGradient(
                dw.pointer + row * rule.chosen, chosen, scores: scores.pointer + row * count, count: count, to: d)
            }
            balance?.addGradient(of: values.pointer + row * count, count: count, to: d)
          }
        }
        target.accumulate(GradientBuffer(dLogits), rows)
      }
    }
    return (experts, result)
  }
}

extension RoutingRule {
  /// Experts in turn, k in ascending order for each row.
  fileprivate func turns(rows: Int, of count: Int) -> [Int32] {
    (0..<rows).flatMap { row in (0..<chosen).map { Int32((row * chosen + $0) % count) }.sorted() }
  }

  fileprivate func score(_ logits: UnsafePointer<Float>, into scores: UnsafeMutablePointer<Float>, count: Int) {
    switch scoring {
    case .softmax: softmax(logits, into: scores, count: count)
    case .sigmoid: for index in 0..<count { scores[index] = 1 / (1 + expf(-logits[index])) }
    }
  }

  /// The best experts of the best groups, in ascending order.
  fileprivate func choose(_ scores: UnsafePointer<Float>, count: Int, correction: Tensor?) -> [Int] {
    let values = (0..<count).map { scores[$0] + (correction?.pointer[$0] ?? 0) }
    var candidates = Array(0..<count)
    if let groups {
      let size = count / groups.count
      func value(_ group: Int) -> Float {
        let members = best(Array(group * size..<(group + 1) * size), groups.countsTwo ? 2 : 1) { values[$0] }
        return members.reduce(0) { $0 + values[$1] }
      }
      let groupValues = (0..<groups.count).map(value)
      candidates = best(Array(0..<groups.count), groups.chosen) { groupValues[$0] }
        .flatMap { Array($0 * size..<($0 + 1) * size) }
    }
    return best(candidates, chosen) { values[$0] }.sorted()
  }

  private func divisor(_ scores: UnsafePointer<Float>, _ chosen: [Int]) -> (value: Float, hasGradient: Bool) {
    let sum = chosen.reduce(Float(0)) { $0 + scores[$1] }
    switch normalisation {
    case .none: return (1, false)
    case .sum(let epsilon): return (sum + epsilon, true)
    case .sumAtLeast(let least): return (max(sum, least), sum > least)
    }
  }

  fileprivate func weigh(
    _ scores: UnsafePointer<Float>, _ chosen: [Int], into weights: UnsafeMutablePointer<Float>
  ) {
    let divisor = divisor(scores, chosen).value
    for (place, expert) in chosen.enumerated() { weights[place] = scores[expert] / divisor * scale }
  }

  /// Adds the derivative by the logits to d, from that by the weights of the chosen.
  fileprivate func addGradient(
    _ dw: UnsafePointer<Float>, _ chosen: [Int], scores: UnsafePointer<Float>, count: Int,
    to d: UnsafeMutablePointer<Float>
  ) {
    let (divisor, hasGradient) = divisor(scores, chosen)
    let through =
      hasGradient ? chosen.indices.reduce(Float(0)) { $0 + dw[$1] * scores[chosen[$1]] } / (divisor * divisor) : 0
    let ds = chosen.indices.map { scale * (dw[$0] / divisor - through) }
    switch scoring {
    case .softmax:
      let inner = zip(ds, chosen).reduce(Float(0)) { $0 + $1.0 * scores[$1.1] }
      for index in 0..<count { d[index] -= scores[index] * inner }
      for (ds, expert) in zip(ds, chosen) { d[expert] += scores[expert] * ds }
    case .sigmoid:
      for (ds, expert) in zip(ds, chosen) { d[expert] += ds * scores[expert] * (1 - scores[expert]) }
    }
  }
}

/// The candidates with the largest values, the lower one of equals first.
func best(_ candidates: [Int], _ most: Int, by value: (Int) -> Float) -> [Int] {
  Array(candidates.sorted { (value($0), $1) > (value($1), $0) }.prefix(most))
}

/// y = softmax(x).
func softmax(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
  let most = (0..<count).reduce(-Float.infinity) { max($0, x[$1]) }
  var sum: Float = 0
  for index in 0..<count {
    y[index] = expf(x[index] - most)
    sum += y[index]
  }
  for index in 0..<count { y[index] /= sum }
}
