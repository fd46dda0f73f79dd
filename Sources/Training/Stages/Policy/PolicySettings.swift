/// How completions of one prompt are compared, and how a round is learned from.
package struct PolicySettings: Sendable, Hashable {
  package var objective: PolicyObjective
  /// Completions of a prompt.
  package var size: Int
  /// What differences of rewards are divided by, but for `rloo`.
  package var scale: Advantages.Scale
  /// Whether advantages of `rloo` are made to a deviation of 1 over the round.
  package var normalizes: Bool
  /// What the divergence from the reference, Σ (log old − log ref), takes from a reward of `rloo`.
  package var penalty: Double
  /// What logits are divided by.
  package var temperature: Double
  /// Whether completions that were cut off teach nothing; they still count in their groups.
  package var leavesOutTruncated: Bool
  /// Passes over a round's rollouts, and the steps of each.
  package var passes: Int
  package var stepsOfPass: Int

  package init(
    _ objective: PolicyObjective, size: Int, scale: Advantages.Scale = .group, normalizes: Bool = false,
    penalty: Double = 0, temperature: Double = 1, leavesOutTruncated: Bool = false, passes: Int = 1,
    stepsOfPass: Int = 1
  ) {
    self.objective = objective
    self.size = size
    self.scale = scale
    self.normalizes = normalizes
    self.penalty = penalty
    self.temperature = temperature
    self.leavesOutTruncated = leavesOutTruncated
    self.passes = passes
    self.stepsOfPass = stepsOfPass
  }

  /// Whether what the policy gave to a round's tokens has to be remembered: later steps find another policy, and a penalty
  /// needs it at once.
  package var remembersPolicy: Bool { passes * stepsOfPass > 1 || penalty > 0 }
}
