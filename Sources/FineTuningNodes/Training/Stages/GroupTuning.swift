import Pipeline
import Training

/// `grpo`: to say more often what was better than the other answers to the same prompt.
enum GroupTuning: GroupStage {
  struct Fields: FieldSet {
    var rollouts = RolloutFields()
    var objective = ObjectiveName.grpo
    var generations = 8
    var epsilon = 0.2
    var epsilonHigh: Double?
    var delta: Double?
    var cap = 5.0
    var beta = 0.0
    var scale = Scale.group
    var masksTruncated = false
    var passes = 1
    var parts = 1

    static let fields: [Field<Self>] =
      RolloutFields.fields.lifted(get: { $0.rollouts }, set: { $0.rollouts = $1 }) + [
        Field(
          "objective", \.objective,
          doc:
            "`grpo` means over an answer's tokens, then over answers (arXiv:2402.03300); `bnpo` and `dapo` (arXiv:2503.14476) "
            + "over all tokens; `dr_grpo` divides by answers × `max_completion` (arXiv:2503.20783); `cispo` clips the weight of "
            + "−log p alone (arXiv:2506.13585); `gspo` has one ratio an answer (arXiv:2507.18071)"),
        Field(
          "generations", \.generations, in: 2...4096, unit: "answers", doc: "Answers to a prompt, which are compared"),
        Field(
          "epsilon", \.epsilon, in: 0..<1,
          for: .when("objective", ObjectiveName.clipped),
          doc: "How far the probability of a token may have moved before it no longer counts"),
        Field(
          "epsilon_high", \.epsilonHigh, in: 0.0..., for: .when("objective", ObjectiveName.clipped),
          doc: "The same upwards, where it differs (0.28 in DAPO)"),
        Field(
          "delta", \.delta, in: .above(1), for: .when("objective", ObjectiveName.clipped),
          doc: "The most that a ratio counts of an answer that was worse than the others"),
        Field("cap", \.cap, in: .above(0), for: .when("objective", ["cispo"]), doc: "The most that a ratio counts"),
        Field(
          "beta", \.beta, in: 0.0...,
          doc: "What the divergence from the reference counts, a token; with 0 there is none"),
        Field(
          "scale_rewards", \.scale,
          doc:
            "What differences of rewards are divided by: the deviation of the answers to a prompt (`group`), of all of the "
            + "round (`batch`), or nothing (`none`)"),
        Field(
          "mask_truncated", \.masksTruncated, doc: "Learns nothing from answers that were cut off at `max_completion`"),
        Field("iterations", \.passes, in: 1...1000, unit: "passes", doc: "Passes over the answers of a round"),
        Field(
          "steps_per_pass", \.parts, in: 1...100_000, unit: "steps",
          doc: "Optimizer steps of a pass, each on a part of the answers"),
      ]
  }

  /// An objective without one for all answers.
  enum ObjectiveName: String, FieldChoice {
    case grpo
    case bnpo
    case dapo
    case drGRPO = "dr_grpo"
    case cispo
    case gspo

    static let clipped = allCases.filter { $0 != .cispo }.map(\.rawValue)
    var kind: PolicyObjective.Kind { PolicyObjective.Kind(rawValue: rawValue) ?? .grpo }
  }

  enum Scale: String, FieldChoice {
    case group
    case batch
    case none

    var scale: Advantages.Scale { Advantages.Scale(rawValue: rawValue) ?? .group }
  }

  static let name = "grpo"
  static let doc =
    "answers prompts itself and learns from what was better than its other answers (group relative policy optimisation, "
    + "arXiv:2402.03300); `batch_size` counts the prompts of a round"
  static let measures =
    RolloutFields.measures + [StageMeasure("dead_groups", progress: "alike", as: .percent), StageMeasure("kl")]

  static func rollouts(_ fields: Fields) -> RolloutFields { fields.rollouts }
  static func divergence(_ fields: Fields) -> Double { fields.beta }

  static func settings(_ fields: Fields) -> PolicySettings {
    PolicySettings(
      PolicyObjective(
        fields.objective.kind, epsilonLow: fields.epsilon, epsilonHigh: fields.epsilonHigh ?? fields.epsilon,
        delta: fields.delta, cap: fields.cap, beta: fields.beta, longest: fields.rollouts.maxCompletion),
      size: fields.generations, scale: fields.scale.scale, temperature: fields.rollouts.temperature,
      leavesOutTruncated: fields.masksTruncated, passes: fields.passes, stepsOfPass: fields.parts)
  }
}
