import Pipeline
import Training

/// `rloo`: to say more often what was better than the mean of the other answers to the same prompt.
enum LeaveOneOutTuning: GroupStage {
  struct Fields: FieldSet {
    var rollouts = RolloutFields()
    var generations = 4
    var epsilon = 0.2
    var beta = 0.05
    var normalizes = false
    var passes = 1
    var parts = 1

    static let fields: [Field<Self>] =
      RolloutFields.fields.lifted(get: { $0.rollouts }, set: { $0.rollouts = $1 }) + [
        Field(
          "generations", \.generations, in: 2...4096, unit: "answers", doc: "Answers to a prompt, which are compared"),
        Field(
          "epsilon", \.epsilon, in: 0..<1,
          doc: "How far the probability of an answer may have moved before it no longer counts"),
        Field(
          "beta", \.beta, in: 0.0...,
          doc: "What the divergence from the reference takes from an answer's reward; with 0 there is none"),
        Field(
          "normalize_advantages", \.normalizes,
          doc: "Makes what is compared have a mean of 0 and a deviation of 1 over the round"),
        Field("iterations", \.passes, in: 1...1000, unit: "passes", doc: "Passes over the answers of a round"),
        Field(
          "steps_per_pass", \.parts, in: 1...100_000, unit: "steps",
          doc: "Optimizer steps of a pass, each on a part of the answers"),
      ]
  }

  static let name = "rloo"
  static let doc =
    "answers prompts itself and learns from what was better than the mean of its other answers (REINFORCE leave-one-out, "
    + "arXiv:2402.14740); `batch_size` counts the prompts of a round"
  static let measures =
    RolloutFields.measures + [StageMeasure("dead_groups", progress: "alike", as: .percent)]

  static func rollouts(_ fields: Fields) -> RolloutFields { fields.rollouts }
  static func divergence(_ fields: Fields) -> Double { fields.beta }

  static func settings(_ fields: Fields) -> PolicySettings {
    PolicySettings(
      PolicyObjective(.rloo, epsilonLow: fields.epsilon, epsilonHigh: fields.epsilon), size: fields.generations,
      normalizes: fields.normalizes, penalty: fields.beta, temperature: fields.rollouts.temperature,
      passes: fields.passes, stepsOfPass: fields.parts)
  }
}
