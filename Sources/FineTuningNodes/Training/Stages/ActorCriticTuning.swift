import LanguageModels
import Pipeline
import TokenShards
import Training

/// `ppo`: to say more often what turned out better than a critic expected.
enum ActorCriticTuning: SamplingStage {
  struct Fields: FieldSet {
    var rollouts = RolloutFields()
    var epsilon = 0.2
    var valueEpsilon = 0.2
    var valueWeight = 0.1
    var gamma = 1.0
    var lambda = 0.95
    var divergence = Estimator.k1
    var coefficient = 0.05
    var target: Double?
    var horizon = 10_000.0
    var normalizesScores = false
    var whitensRewards = false
    var penalty = 0.0
    var passes = 4
    var parts = 1

    static let fields: [Field<Self>] =
      RolloutFields.fields.lifted(get: { $0.rollouts }, set: { $0.rollouts = $1 }) + [
        Field(
          "epsilon", \.epsilon, in: 0..<1,
          doc: "How far the probability of a token may have moved before it no longer counts"),
        Field(
          "value_epsilon", \.valueEpsilon, in: .above(0),
          doc: "How far what the critic expects may move from what it expected when the answer was sampled"),
        Field("value_weight", \.valueWeight, in: 0.0..., doc: "What the critic's loss counts beside the policy's"),
        Field("gamma", \.gamma, in: .above(0, atMost: 1), doc: "What the worth of the next token counts"),
        Field("lambda", \.lambda, in: 0...1.0, doc: "How far back surprises are told (arXiv:1506.02438)"),
        Field(
          "kl_estimator", \.divergence,
          doc:
            "How the divergence from the reference is estimated of a token: `k1`, the difference of log-probabilities, or "
            + "`k3`, which is never below 0"),
        Field(
          "kl_coefficient", \.coefficient, in: 0.0...,
          doc: "What the divergence takes from the reward of a token; with 0 there is none"),
        Field(
          "kl_target", \.target, in: .above(0), unit: "nats an answer",
          doc:
            "A divergence that the coefficient is moved towards from round to round (arXiv:1909.08593); it stays unless "
            + "given"),
        Field(
          "kl_horizon", \.horizon, in: .above(0), unit: "answers", doc: "Over how many answers the coefficient moves"),
        Field(
          "normalize_scores", \.normalizesScores,
          doc: "Makes rewards of answers have the mean 0 and the deviation 1 of all so far"),
        Field(
          "whiten_rewards", \.whitensRewards, doc: "Makes rewards of tokens have a deviation of 1 over the round"),
        Field(
          "truncation_penalty", \.penalty, in: 0.0..., doc: "What an answer that was cut off loses of its reward"),
        Field("iterations", \.passes, in: 1...1000, unit: "passes", doc: "Passes over the answers of a round"),
        Field(
          "steps_per_pass", \.parts, in: 1...100_000, unit: "steps",
          doc: "Optimizer steps of a pass, each on a part of the answers"),
      ]
  }

  enum Estimator: String, FieldChoice {
    case k1
    case k3
  }

  static let name = "ppo"
  static let doc =
    "answers prompts itself and learns from what a critic, a head on the same body, did not expect (proximal policy "
    + "optimisation, arXiv:1707.06347); `batch_size` counts the prompts of a round"
  static let measures = RolloutFields.measures + [StageMeasure("kl", progress: "KL"), StageMeasure("value_loss")]

  static func rollouts(_ fields: Fields) -> RolloutFields { fields.rollouts }
  static func divergence(_ fields: Fields) -> Double { fields.coefficient }
  static let divergenceField = "kl_coefficient"
  static func round(_ fields: Fields) -> (size: Int, parts: Int) { (1, fields.parts) }

  static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    let conflicts = fields.rollouts.conflicts(inputs, divergence: fields.coefficient, by: divergenceField)
    guard fields.target != nil, fields.coefficient == 0 else { return conflicts }
    return conflicts + [
      .init(
        port: "kl_target", "`kl_target` has no effect with `kl_coefficient: 0`",
        advice: "give a coefficient to start from")
    ]
  }

  private static func settings(_ fields: Fields) -> ActorCriticSettings {
    ActorCriticSettings(
      ClippedObjective(epsilon: fields.epsilon, valueEpsilon: fields.valueEpsilon, valueWeight: fields.valueWeight),
      estimate: AdvantageEstimate(
        gamma: fields.gamma, lambda: fields.lambda, divergence: fields.divergence == .k1 ? .k1 : .k3),
      control: DivergenceControl(
        coefficient: fields.coefficient, target: fields.target, horizon: fields.horizon),
      normalizesScores: fields.normalizesScores, whitensRewards: fields.whitensRewards,
      truncationPenalty: fields.penalty, temperature: fields.rollouts.temperature, passes: fields.passes,
      stepsOfPass: fields.parts)
  }

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> ActorCriticStage<SampledRollouts> {
    ActorCriticStage(
      settings(fields),
      try inputs.rollouts(fields.rollouts, size: 1, remembersPolicy: true, reference: fields.coefficient > 0),
      head: try inputs.scoreHead())
  }

  static func foreseen(
    _ fields: Fields, rows: [TokenRow], of model: ModelConfiguration
  ) -> ActorCriticStage<ForeseenRollouts> {
    ActorCriticStage(
      settings(fields), ForeseenRollouts(size: 1, tokens: fields.rollouts.maxCompletion),
      head: ScoreHead(width: model.hiddenSize, seed: 0))
  }
}
