import LanguageModels
import Pipeline
import TokenShards
import Training

/// A stage that answers prompts itself and learns from what its answers are worth.
protocol SamplingStage: StageDeclaration where Measured == MeasuredPolicy<SampledRollouts> {
  static func rollouts(_ fields: Fields) -> RolloutFields
  /// What the divergence from the reference counts; with 0 there is none.
  static func divergence(_ fields: Fields) -> Double
  /// The field that says what it counts.
  static var divergenceField: String { get }
  /// The answers to a prompt, and the parts that a pass over those of a round has.
  static func round(_ fields: Fields) -> (size: Int, parts: Int)
}

extension SamplingStage {
  static var divergenceField: String { "beta" }
  static var rows: RowShape { .prompts }
  static var models: [StageModel] { RolloutFields.models + [.reference] }
  static var picture: StagePicture? { .ofAnswers }
  static var learningPorts: Set<String> { [StageModel.reference.port] }
  static var learningFields: Set<String> {
    Set(Fields.fields.map(\.name)).subtracting(["rewards", "max_completion", "judge"])
  }

  static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    rollouts(fields).conflicts(inputs, divergence: divergence(fields), by: divergenceField)
  }

  static func conflicts(_ fields: Fields, batchSize: Int) -> [Inference.Conflict] {
    let (size, parts) = round(fields)
    guard parts > batchSize * size else { return [] }
    return [
      .init(
        port: "steps_per_pass", "A pass over \(batchSize * size) answers cannot have \(parts) steps",
        reason: "`batch_size` is \(batchSize)" + (size > 1 ? ", `generations` is \(size)" : ""),
        advice: "give at most \(batchSize * size)")
    ]
  }

  static func sources(_ fields: Fields) throws -> [SourceRequest] {
    try rollouts(fields).rewards.sources(of: "rewards")
  }

  static func longest(_ fields: Fields, rows: Int) -> Int { rows + rollouts(fields).maxCompletion }

  static func standing(_ fields: Fields) -> [String] {
    let reference = divergence(fields) > 0 && rollouts(fields).sync == nil
    return (reference ? [StageModel.reference.port] : []) + ["reward_model", "judge_model"]
  }

  static func measured(_ fields: Fields, _ inputs: StageInputs) throws -> MeasuredPolicy<SampledRollouts> {
    MeasuredPolicy(try inputs.rollouts(rollouts(fields)))
  }
}

/// A stage that compares the answers to one prompt with each other.
protocol GroupStage: SamplingStage
where Stage == PolicyStage<SampledRollouts>, Foreseen == PolicyStage<ForeseenRollouts> {
  static func settings(_ fields: Fields) -> PolicySettings
}

extension GroupStage {
  static func round(_ fields: Fields) -> (size: Int, parts: Int) {
    let settings = settings(fields)
    return (settings.size, settings.stepsOfPass)
  }

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> PolicyStage<SampledRollouts> {
    let settings = settings(fields)
    return PolicyStage(
      settings,
      try inputs.rollouts(
        rollouts(fields), size: settings.size, remembersPolicy: settings.remembersPolicy,
        reference: divergence(fields) > 0))
  }

  static func foreseen(
    _ fields: Fields, rows: [TokenRow], of model: ModelConfiguration
  ) -> PolicyStage<ForeseenRollouts> {
    let settings = settings(fields)
    return PolicyStage(
      settings, ForeseenRollouts(size: settings.size, tokens: rollouts(fields).maxCompletion))
  }
}
