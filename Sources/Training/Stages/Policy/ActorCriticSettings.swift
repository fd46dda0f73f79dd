/// How what a policy said is compared with what a critic expected, and how a round is learned from.
package struct ActorCriticSettings: Sendable, Hashable {
  package var objective: ClippedObjective
  package var estimate: AdvantageEstimate
  package var control: DivergenceControl
  /// Whether scores are made to the mean and the deviation of all scores so far.
  package var normalizesScores: Bool
  /// Whether rewards of tokens are made to a deviation of 1 over the round.
  package var whitensRewards: Bool
  /// What a completion that was cut off loses of its score.
  package var truncationPenalty: Double
  /// What is computed together teaches nothing where its mean ratio is above this: the policy has gone too far from what
  /// sampled for ratios to mean anything.
  package var largestRatio: Double
  package var temperature: Double
  package var passes: Int
  package var stepsOfPass: Int

  package init(
    _ objective: ClippedObjective = ClippedObjective(), estimate: AdvantageEstimate = AdvantageEstimate(),
    control: DivergenceControl = DivergenceControl(coefficient: 0.2), normalizesScores: Bool = false,
    whitensRewards: Bool = false, truncationPenalty: Double = 0, largestRatio: Double = 10, temperature: Double = 1,
    passes: Int = 4, stepsOfPass: Int = 1
  ) {
    self.objective = objective
    self.estimate = estimate
    self.control = control
    self.normalizesScores = normalizesScores
    self.whitensRewards = whitensRewards
    self.truncationPenalty = truncationPenalty
    self.largestRatio = largestRatio
    self.temperature = temperature
    self.passes = passes
    self.stepsOfPass = stepsOfPass
  }
}
