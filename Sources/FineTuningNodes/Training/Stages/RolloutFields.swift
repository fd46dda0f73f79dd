import Pipeline
import Training

/// What the stages that sample have in common: how prompts are answered, and what answers are worth.
struct RolloutFields: FieldSet {
  var rewards: [RewardField] = []
  var maxCompletion = 256
  var temperature = 1.0
  var judge: JudgeField?
  var sync: ReferenceSync?

  static let fields: [Field<Self>] = [
    Field(
      "rewards", \.rewards,
      doc: RewardField.listDoc),
    Field(
      "max_completion", \.maxCompletion, in: 1...1_048_576, unit: "tokens", doc: "The longest answer that is sampled"),
    Field(
      "temperature", \.temperature, in: .above(0),
      doc: "What logits are divided by, in sampling and in training alike"),
    Field("judge", \.judge, since: Birth(default: nil), doc: JudgeField.fieldDoc),
    Field("sync_reference", \.sync, since: Birth(default: nil), doc: ReferenceSync.fieldDoc),
  ]

  /// What an answer is sampled from beside the model that is trained.
  static let models = [
    .tokenizer,
    StageModel(
      "reward_model", optional: true,
      doc: "A model with a head that scores (`stage: rm`), whose score of an answer is a reward beside the others"),
    StageModel("judge_model", optional: true, fits: false, doc: "A language model that marks answers, as `judge` says"),
    StageModel(
      "judge_tokenizer", type: ArtefactName.tokenizer, optional: true, fits: false,
      doc: "The judge's tokenizer, with its chat template"),
  ]

  static let measures = [
    StageMeasure("reward", progress: "reward", toldOfHeldOut: true),
    StageMeasure("completion_tokens", progress: "length"),
    StageMeasure("truncated"),
  ]

  /// What makes answers unjudgeable: nothing that judges, names that clash; and a reference that has no effect.
  ///
  /// - Parameters:
  ///   - divergence: What the divergence from the reference counts.
  ///   - field: The field that says so.
  func conflicts(_ inputs: InputTypes, divergence: Double, by field: String) -> [Inference.Conflict] {
    var conflicts = rewards.conflicts(at: "rewards")
    conflicts += StageModel.withoutDivergence(divergence, by: field, inputs) + ReferenceSync.conflicts(sync, inputs)
    if sync != nil, divergence == 0 {
      conflicts.append(
        .init(
          port: "sync_reference",
          "`sync_reference` has no effect where the divergence from the reference counts nothing",
          advice: "leave it out, or give `\(field)`"))
    }
    conflicts += judgeConflicts(inputs)
    if rewards.isEmpty, inputs["reward_model"] == nil, judge == nil {
      conflicts.append(
        .init(
          port: "rewards", "Nothing says what answers are worth",
          advice: "list reward functions, such as `rewards: [{type: answer}]`, or connect `reward_model:`"))
    }
    let weights = rewards.map(\.weight) + (judge.map { [$0.weight] } ?? [])
    if !weights.isEmpty, weights.allSatisfy({ $0 == 0 }), inputs["reward_model"] == nil {
      conflicts.append(
        .init(
          port: rewards.isEmpty ? "judge" : "rewards", "Answers are worth the same: all that judges them counts 0",
          advice: "give one a `weight` other than 0"))
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

  /// A judge without a model, or a model that nobody asks.
  private func judgeConflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    let ports = ["judge_model", "judge_tokenizer"]
    guard let judge else {
      return ports.filter { inputs[$0] != nil }.map {
        .init(
          port: $0, "Nothing says what the judge is asked", advice: "say `judge: {}` to ask for a mark from 0 to 10")
      }
    }
    var conflicts = judge.conflicts(inputs)
    for port in ports where inputs[port] == nil {
      conflicts.append(
        .init(port: "judge", "No node stands at `\(port)`", advice: "connect the judge and its tokenizer"))
    }
    if let own = inputs[ports[0]]?.type[FacetName.tokenizer], let given = inputs[ports[1]]?.type[FacetName.tokenizer],
      own != given
    {
      conflicts.append(
        .init(
          port: ports[1], "The tokenizer is another than the judge's",
          reason: "the judge's is \(own), this is \(given)",
          advice: "load the tokenizer from the judge's own folder"))
    }
    return conflicts
  }
}
