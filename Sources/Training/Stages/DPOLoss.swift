import Glibc

/// The loss of direct preference optimisation with label smoothing.
///
/// From arXiv:2305.18290; the smoothing is that of conservative DPO (Mitchell, “A note on DPO with noisy preferences”).
/// For a pair with Δ = (log π_chosen − log π_rejected) − (log ref_chosen − log ref_rejected):
/// −(1 − ε) · log σ(βΔ) − ε · log σ(−βΔ).
package struct DPOLoss: Sendable, Hashable {
  /// β: how much the policy is held to the reference.
  package var beta: Double
  /// ε: the share of pairs that are believed to be the wrong way round; from 0 to below 0.5.
  package var labelSmoothing: Double

  package init(beta: Double = 0.1, labelSmoothing: Double = 0) {
    self.beta = beta
    self.labelSmoothing = labelSmoothing
  }

  /// What the loss says about one pair.
  package struct Verdict: Sendable, Hashable {
    package var loss: Double
    /// The derivative of the loss with respect to the policy's log-probability of the chosen answer; that of the
    /// rejected one is its negative.
    package var derivative: Double
    /// β · (log π − log ref) of each answer.
    package var rewards: PairLogProbabilities
  }

  package func callAsFunction(_ policy: PairLogProbabilities, reference: PairLogProbabilities) -> Verdict {
    let chosen = beta * (policy.chosen - reference.chosen)
    let rejected = beta * (policy.rejected - reference.rejected)
    let margin = chosen - rejected
    return Verdict(
      loss: (1 - labelSmoothing) * softplus(-margin) + labelSmoothing * softplus(margin),
      derivative: beta * (labelSmoothing * sigmoid(margin) - (1 - labelSmoothing) * sigmoid(-margin)),
      rewards: PairLogProbabilities(chosen: chosen, rejected: rejected))
  }
}

/// log(1 + eˣ), also where eˣ overflows.
private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

private func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
