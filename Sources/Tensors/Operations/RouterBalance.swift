/// How evenly routers spread tokens over experts, and the loss that asks for more of it (arXiv:2101.03961).
///
/// As transformers' `load_balancing_loss_func` computes it: E · Σ_e f_e P_e, with the share f_e of tokens that went to expert
/// e and the mean probability P_e that routers gave it, over all layers together.
///
/// All rows of all routers count, also those that no label is at. One belongs to one forward pass and its backward pass.
package final class RouterBalance {
  /// What the loss counts beside the other.
  package let coefficient: Float
  private var probabilities: [Double] = []
  private var choices: [Double] = []
  private var rows = 0

  package init(coefficient: Float) { self.coefficient = coefficient }

  /// Counts the rows of a router, each with the `chosen` experts that it finds most likely.
  func add(logits: Tensor, chosen: Int) {
    let count = logits.columns
    if probabilities.isEmpty {
      probabilities = [Double](repeating: 0, count: count)
      choices = probabilities
    }
    let row = Tensor(uninitialized: [count])
    onElements {
      for index in 0..<logits.rows {
        softmax(logits.pointer + index * count, into: row.pointer, count: count)
        for expert in 0..<count { probabilities[expert] += Double(row.pointer[expert]) }
        for expert in best(Array(0..<count), chosen, by: { row.pointer[$0] }) { choices[expert] += 1 }
      }
    }
    rows += logits.rows
  }

  /// The loss of all routers so far, without the coefficient; 0 for a model without experts.
  package var loss: Double {
    guard rows > 0 else { return 0 }
    let count = Double(rows)
    return Double(choices.count) * zip(choices, probabilities).reduce(0) { $0 + $1.0 / count * ($1.1 / count) }
  }

  /// Adds coefficient · the derivative of the loss by a row of logits to d.
  func addGradient(of logits: UnsafePointer<Float>, count: Int, to d: UnsafeMutablePointer<Float>) {
    let row = Tensor(uninitialized: [count])
    softmax(logits, into: row.pointer, count: count)
    let factor = Double(coefficient) * Double(count) / Double(rows)
    let slopes = choices.map { Float(factor * $0 / Double(rows)) }
    let inner = (0..<count).reduce(Float(0)) { $0 + slopes[$1] * row.pointer[$1] }
    for expert in 0..<count { d[expert] += row.pointer[expert] * (slopes[expert] - inner) }
  }
}
