import Pipeline
import Training

/// What the stages that sample have in common: how prompts are answered, and what answers are worth.
struct RolloutFields: FieldSet {
  var rewards: [RewardField] = []
  var maxCompletion = 256
  var temperature = 1.0

  static let fields: [Field<Self>] = [
    Field(
      "rewards", \.rewards,
      doc: RewardField.listDoc),
    Field(
      "max_completion", \.maxCompletion, in: 1...1_048_576, unit: "tokens", doc: "The longest answer that is sampled"),
    Field(
      "temperature", \.temperature, in: .above(0),
      doc: "What logits are divided by, in sampling and in training alike"),
  ]

  /// What an answer is sampled from beside the model that is trained.
  static let models = [
    StageModel(
      "tokenizer", type: ArtefactName.tokenizer, optional: false, doc: "What reads the answers for the rewards"),
    StageModel(
      "reward_model", optional: true,
      doc: "A model with a head that scores (`stage: rm`), whose score of an answer is a reward beside the others"),
  ]

  static let measures = [
    StageMeasure("reward", progress: "reward", toldOfHeldOut: true),
    StageMeasure("completion_tokens", progress: "length"),
    StageMeasure("truncated"),
  ]

  /// What makes answers unjudgeable: nothing that judges, names that clash.
  func conflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    var conflicts = rewards.conflicts(at: "rewards")
    if rewards.isEmpty, inputs["reward_model"] == nil {
      conflicts.append(
        .init(
          port: "rewards", "Nothing says what answers are worth",
          advice: "list reward functions, such as `rewards: [{type: answer}]`, or connect `reward_model:`"))
    }
    for port in ["data", "validation"] {
      // What no prompt brings along no function can read: it would have nothing to say, of any answer.
      guard let type = inputs[port]?.type else { continue }
      for column in rewards.columns where !type.keptColumns.contains(column) {
        conflicts.append(
          .init(
            port: "rewards", "No column `\(column)` travels with the prompts at `\(port)`",
            reason: type.keptColumns.isEmpty
              ? "none does" : "those that do are \(type.keptColumns.map { "`\($0)`" }.joined(separator: ", "))",
            advice: "say `keep_columns: [\(column)]` in the node of type `load_dataset`, or name another column"))
      }
    }
    if let model = inputs["reward_model"]?.type, model[FacetName.head] == nil {
      conflicts.append(
        .init(
          port: "reward_model", "The model at `reward_model` has no head that scores",
          advice: "connect a model that was trained by `stage: rm`"))
    }
    return conflicts
  }
}
