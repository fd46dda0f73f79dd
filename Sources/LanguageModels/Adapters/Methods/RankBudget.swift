import Tensors

/// The course of AdaLoRA: triplets that matter little are set to zero as the budget shrinks, and A and B are held
/// orthogonal.
///
/// How much an element matters is |value · gradient|, smoothed over the steps, times how much that varies, smoothed as
/// well; a triplet matters by its element of E and the means of its row of A and its column of B. Memory: twice the
/// adapter's.
package final class RankBudget: AdapterCourse {
  /// When ranks are taken away, and how what matters is smoothed.
  package struct Schedule: Sendable, Hashable {
    /// The steps at the beginning in which all ranks stay.
    package var firstSteps: Int
    /// The steps at the end in which the ranks stay as they have become.
    package var lastSteps: Int
    /// The steps from one look to the next.
    package var interval: Int
    /// How much of the mean, and of the mean difference from it, stays in a step.
    package var beta1: Double
    package var beta2: Double
    /// What the distance from orthogonality counts in the loss.
    package var orthogonality: Double

    package init(
      firstSteps: Int = 0, lastSteps: Int = 0, interval: Int = 1, beta1: Double = 0.85, beta2: Double = 0.85,
      orthogonality: Double = 0.5
    ) {
      self.firstSteps = firstSteps
      self.lastSteps = lastSteps
      self.interval = interval
      self.beta1 = beta1
      self.beta2 = beta2
      self.orthogonality = orthogonality
    }
  }

  /// A, B and E of a map, and what is known of their elements.
  private struct Triplets {
    var module: String
    var parameters: [Parameter]
    /// Of each: the mean of |value · gradient|, and the mean difference from it.
    var means: [(value: Tensor, spread: Tensor)]
    /// [R], 1 for what is left.
    var kept: Tensor

    var a: Tensor { parameters[0].value }
    var b: Tensor { parameters[1].value }
    var e: Tensor { parameters[2].value }
  }

  private let schedule: Schedule
  /// Σ R at the beginning and at the end.
  private let budgets: (first: Int, last: Int)
  private let maps: [Triplets]
  /// What is left after the last look, in all; for those who want to see it.
  package private(set) var budget: Int

  /// - Parameters:
  ///   - target: The mean rank at the end.
  ///   - maps: A, B and E of each map.
  init(_ schedule: Schedule, target: Int, _ maps: [(map: AdaptedMap, parameters: [Parameter])]) {
    self.schedule = schedule
    self.maps = maps.map { map, parameters in
      Triplets(
        module: map.module, parameters: parameters,
        means: parameters.map { (Tensor(shape: $0.value.shape), Tensor(shape: $0.value.shape)) },
        kept: .constant([parameters[2].value.rows], 1))
    }
    budgets = (maps.reduce(0) { $0 + $1.parameters[2].value.rows }, target * maps.count)
    budget = budgets.first
  }

  package var tensors: [(name: String, value: Tensor)] {
    maps.flatMap { map in
      zip(map.parameters, map.means).flatMap { parameter, means in
        [("importance.\(parameter.name)", means.value), ("uncertainty.\(parameter.name)", means.spread)]
      } + [("kept.\(map.module)", map.kept)]
    }
  }

  package func check(steps total: Int) throws(AdapterError) {
    guard schedule.firstSteps >= total - schedule.lastSteps else { return }
    throw .option(
      "tinit", wanted: "fewer than the \(max(0, total - schedule.lastSteps)) steps in front of the last `tfinal`",
      found: "\(schedule.firstSteps)")
  }

  package func addPenalty() -> (name: String, value: Double) {
    let share = 1 / Double(2 * max(1, maps.count))
    var total = 0.0
    onElements {
      for map in maps {
        for (parameter, isLeft) in [(map.parameters[0], false), (map.parameters[1], true)] {
          total += addDistance(of: parameter, byColumns: isLeft, times: share * schedule.orthogonality) * share
        }
      }
    }
    return ("orthogonality", total)
  }

  /// Adds the gradient of a factor times ‖A Aᵀ − 1‖, or ‖Bᵀ B − 1‖, and gives the distance.
  private func addDistance(of parameter: Parameter, byColumns: Bool, times factor: Double) -> Double {
    let value = parameter.value
    let rank = byColumns ? value.columns : value.rows
    let length = value.count / max(1, rank)
    func element(_ r: Int, _ index: Int) -> Int { byColumns ? index * rank + r : r * length + index }
    var distance = [Double](repeating: 0, count: rank * rank)
    for i in 0..<rank {
      for j in 0...i {
        var sum = i == j ? -1.0 : 0
        for index in 0..<length {
          sum += Double(value.pointer[element(i, index)]) * Double(value.pointer[element(j, index)])
        }
        distance[i * rank + j] = sum
        distance[j * rank + i] = sum
      }
    }
    let norm = distance.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // Where all is orthogonal there is no direction to go.
    guard norm > 0, let gradient = parameter.gradient else { return norm }
    for i in 0..<rank {
      for index in 0..<length {
        var sum = 0.0
        for j in 0..<rank { sum += distance[i * rank + j] * Double(value.pointer[element(j, index)]) }
        gradient.pointer[element(i, index)] += Float(2 * factor / norm * sum)
      }
    }
    return norm
  }

  package func settle() { mask() }

  package func act(after number: Int, of total: Int, gradientScale: Float) {
    let last = total - schedule.lastSteps
    guard number <= last else { return mask() }
    if number < last {
      onElements { look(gradientScale) }
      guard number > schedule.firstSteps else { return }
      let left = 1 - Double(number - schedule.firstSteps) / Double(last - schedule.firstSteps)
      budget = Int(Double(budgets.first - budgets.last) * left * left * left + Double(budgets.last))
      guard number % schedule.interval == 0 else { return }
    } else {
      budget = budgets.last
    }
    onElements { choose() }
    mask()
    guard number == last else { return }
    onElements {
      for means in maps.flatMap(\.means) {
        for tensor in [means.value, means.spread] { tensor.pointer.update(repeating: 0, count: tensor.count) }
      }
    }
  }

  /// Takes in how much each element matters in this step.
  private func look(_ gradientScale: Float) {
    for map in maps {
      for (parameter, means) in zip(map.parameters, map.means) {
        guard let gradient = parameter.gradient else { continue }
        let (beta1, beta2, scale) = (Float(schedule.beta1), Float(schedule.beta2), gradientScale)
        for index in 0..<gradient.count {
          let matters = abs(parameter.value.pointer[index] * (gradient.pointer[index] * scale))
          let mean = beta1 * means.value.pointer[index] + (1 - beta1) * matters
          means.value.pointer[index] = mean
          means.spread.pointer[index] = beta2 * means.spread.pointer[index] + (1 - beta2) * abs(matters - mean)
        }
      }
    }
  }

  /// Decides which triplets are left: as many as the budget has.
  private func choose() {
    let scores = maps.map(scores)
    let dropped = budgets.first - budget
    let least = dropped > 0 ? scores.flatMap { $0 }.sorted()[dropped - 1] : -Float.infinity
    for (map, scores) in zip(maps, scores) {
      for (index, score) in scores.enumerated() { map.kept.pointer[index] = score <= least ? 0 : 1 }
    }
  }

  private func scores(_ map: Triplets) -> [Float] {
    func score(_ place: Int, _ index: Int) -> Float {
      map.means[place].value.pointer[index] * map.means[place].spread.pointer[index]
    }
    let (rank, inputs, outputs) = (map.e.rows, map.a.columns, map.b.rows)
    return (0..<rank).map { r in
      let right = (0..<inputs).reduce(Float(0)) { $0 + score(0, r * inputs + $1) } / Float(inputs)
      let left = (0..<outputs).reduce(Float(0)) { $0 + score(1, $1 * rank + r) } / Float(outputs)
      return score(2, r) + right + left
    }
  }

  /// Sets what is not left to zero.
  private func mask() {
    onElements {
      for map in maps { for r in 0..<map.e.rows where map.kept.pointer[r] == 0 { map.e.pointer[r] = 0 } }
    }
  }
}
