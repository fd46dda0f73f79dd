/// The losses of answers that are each judged by themselves, wanted or not.
package enum JudgedLoss: String, Sendable, CaseIterable {
  /// Kahneman–Tversky optimisation (arXiv:2402.01306): 1 − σ(β(ℓ − z)) of wanted answers, 1 − σ(β(z − ℓ)) of others.
  case kto
  /// Anchored preference optimisation (arXiv:2408.06266): 1 − σ(βℓ) of wanted answers, σ(βℓ) of others.
  case apoZeroUnpaired = "apo_zero_unpaired"

  /// Whether it compares with z, the divergence of the policy from the reference.
  package var usesDivergence: Bool { self == .kto }

  /// The loss of an answer and its derivative by the policy's log-probability.
  ///
  /// - Parameters:
  ///   - ratio: ℓ: the policy's log-probability of the answer less the reference's.
  ///   - divergence: z.
  package func callAsFunction(
    ratio: Double, isWanted: Bool, divergence: Double, beta: Double
  ) -> (loss: Double, derivative: Double) {
    let x = beta * (ratio - (usesDivergence ? divergence : 0)) * (isWanted ? 1 : -1)
    let slope = beta * sigmoid(x) * sigmoid(-x)
    return (sigmoid(-x), isWanted ? -slope : slope)
  }
}
