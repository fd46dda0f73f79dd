import LanguageModels
import Pipeline
import TokenShards
import Training

/// What the nodes know of a stage of training: `train`, `evaluate`, forecasts and reports ask it and name none.
package protocol StageDeclaration: Sendable {
  associatedtype Fields: FieldSet
  associatedtype Stage: TrainingStage
  /// What measures it; the stage itself unless it has something of its own for that.
  associatedtype Measured: TrainingStage = Stage
  /// What memory is counted with.
  associatedtype Foreseen: TrainingStage = Stage

  /// What pipeline files call it.
  static var name: String { get }
  /// What it learns, in a sentence that goes on from its name.
  static var doc: String { get }
  /// The rows it learns from.
  static var rows: RowShape { get }
  /// The models it asks beside the one that is trained.
  static var models: [StageModel] { get }
  /// Whether it trains a head that scores, which goes along with the model.
  static var trainsHead: Bool { get }
  /// The own fields that decide how the model learns and nothing of what is measured of it.
  static var learningFields: Set<String> { get }
  /// The ports that are read while the model learns alone.
  static var learningPorts: Set<String> { get }
  /// What it measures that people want to see, apart from the loss.
  static var measures: [StageMeasure] { get }
  /// The picture of its measures; nil where the loss says it all.
  static var picture: StagePicture? { get }

  /// Fields of its own that contradict each other, or what is connected.
  static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict]

  /// Fields of its own that contradict how many rows a step has.
  static func conflicts(_ fields: Fields, batchSize: Int) -> [Inference.Conflict]

  /// The files outside the store that the stage reads, such as programs that give rewards.
  static func sources(_ fields: Fields) throws -> [SourceRequest]

  /// The stage for the rows of `inputs`, before the model that is trained is in memory.
  ///
  /// - Throws: What asking the other models throws.
  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> Stage

  /// What measures a model on the rows of `inputs`.
  static func measured(_ fields: Fields, _ inputs: StageInputs) throws -> Measured

  /// The longest sequence that the model sees, given that of the rows.
  static func longest(_ fields: Fields, rows: Int) -> Int

  /// The scores that it takes in place of the model that would be asked for them; nil where a model is needed.
  static func scores(_ fields: Fields) -> WantedScores?

  /// The ports of models that stand in memory beside the one that is trained, where they are connected; the reference also
  /// where it is not, since the model stands in as it comes in.
  static func standing(_ fields: Fields) -> [String]

  /// A stage like that of a run for rows that were made up, with no other model asked: what memory takes is counted with it.
  ///
  /// - Parameter model: What is trained.
  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> Foreseen

  /// What the first loss should be; nil where nothing is known about it.
  static func firstLoss(_ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel) throws -> FirstLoss
    .Expectation?
}

extension StageDeclaration {
  package static var models: [StageModel] { [] }
  package static var trainsHead: Bool { false }
  package static var learningFields: Set<String> { [] }
  package static var learningPorts: Set<String> { [] }
  package static func longest(_ fields: Fields, rows: Int) -> Int { rows }
  package static func standing(_ fields: Fields) -> [String] { [] }
  package static func scores(_ fields: Fields) -> WantedScores? { nil }
  package static var measures: [StageMeasure] { [] }
  package static var picture: StagePicture? { nil }
  package static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] { [] }

  package static func conflicts(_ fields: Fields, batchSize: Int) -> [Inference.Conflict] { [] }
  package static func sources(_ fields: Fields) throws -> [SourceRequest] { [] }

  /// The same by its fields among those of all stages.
  static func conflicts(_ fields: StageFields, batchSize: Int) -> [Inference.Conflict] {
    conflicts(fields[Self.self], batchSize: batchSize)
  }

  /// The files that it reads, by its fields among those of all stages.
  static func sources(_ fields: StageFields) throws -> [SourceRequest] { try sources(fields[Self.self]) }

  /// Fields of its own that contradict each other, among those of all stages, and models that do not fit.
  static func conflicts(_ fields: StageFields, _ inputs: InputTypes) -> [Inference.Conflict] {
    let own = fields[Self.self]
    return conflicts(own, inputs) + scoreConflicts(own, inputs) + models.flatMap { $0.conflicts(inputs) }
  }

  /// Whether it reads its own answers.
  static var takesTokenizer: Bool { models.contains { $0.port == StageModel.tokenizer.port } }

  /// Scores where the model itself is wanted, or other ones.
  private static func scoreConflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    let wanted = scores(fields)
    return models.filter { $0.port != wanted?.port }.compactMap { model in
      guard let source = inputs[model.port], source.type.name == ArtefactName.scores else { return nil }
      return .init(
        port: model.port, "Scores stand where a model is wanted",
        reason: "it is asked while it goes on, and `\(source.node)` was asked beforehand", advice: "connect the model")
    } + (wanted?.conflicts(inputs) ?? [])
  }

  package static func firstLoss(
    _ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel
  ) throws -> FirstLoss.Expectation? { nil }
}

extension StageDeclaration where Measured == Stage {
  package static func measured(_ fields: Fields, _ inputs: StageInputs) throws -> Stage { try stage(fields, inputs) }
}

/// A model that a stage asks beside the one that is trained, or a tokenizer, at an input port of its own.
package struct StageModel: Sendable {
  package var port: String
  package var type: String
  /// Whether scores of the model may stand there in its place.
  package var isScored: Bool
  /// Whether it must have the vocabulary of the model that is trained.
  package var mustFit: Bool
  package var isOptional: Bool
  /// The stage's own fields with which it is asked; always where there is none.
  package var condition: FieldCondition?
  package var doc: String

  package init(
    _ port: String, type: String = ArtefactName.model, optional: Bool, orScores: Bool = false,
    fits: Bool = true, for condition: FieldCondition? = nil, doc: String
  ) {
    self.port = port
    self.type = type
    isScored = orScores
    mustFit = fits
    self.condition = condition
    isOptional = optional
    self.doc = doc
  }

  /// What the model is compared with.
  static let reference = StageModel(
    "reference", optional: true, doc: "What the model is compared with; the model as it comes in unless given")

  /// The same where what it gives may be known beforehand.
  static let referenceOrScores = StageModel(
    "reference", optional: true, orScores: true,
    doc: "What the model is compared with, or its scores; the model as it comes in unless given")

  /// What turns sampled tokens into text.
  static let tokenizer = StageModel(
    "tokenizer", type: ArtefactName.tokenizer, optional: false, doc: "What reads the answers for the rewards")

  /// What keeps it from standing beside the model.
  func conflicts(_ inputs: InputTypes) -> [Inference.Conflict] {
    guard mustFit else { return [] }
    return type == ArtefactName.tokenizer ? DataFit.tokenizerConflicts(inputs) : DataFit.modelConflicts(port, inputs)
  }

  /// A reference that is connected where the divergence from it counts nothing.
  ///
  /// - Parameter field: What gives the divergence its weight.
  static func withoutDivergence(
    _ coefficient: Double, by field: String, _ inputs: InputTypes
  ) -> [Inference.Conflict] {
    guard coefficient == 0, inputs["reference"] != nil else { return [] }
    return [
      .init(
        port: "reference", "`reference` has no effect where the divergence from it counts nothing",
        advice: "leave it out, or give `\(field)`")
    ]
  }
}

/// A number that a stage tells beside its loss, and how it is shown.
package struct StageMeasure: Sendable {
  /// Its name in metrics.
  package var name: String
  /// What progress lines call it; nil where only the metrics have it.
  package var progress: String?
  package var format: ProgressUpdate.Format
  /// Whether it is told with the loss on held-out rows.
  package var isToldOfHeldOut: Bool

  package init(
    _ name: String, progress: String? = nil, as format: ProgressUpdate.Format = .plain, toldOfHeldOut: Bool = false
  ) {
    self.name = name
    self.progress = progress
    self.format = format
    isToldOfHeldOut = toldOfHeldOut
  }
}

/// A picture of measures over the steps.
package struct StagePicture: Sendable {
  /// Its file among the metrics.
  package var file: String
  package var title: String
  package var lines: [Line]

  package struct Line: Sendable {
    /// A member of the metrics' records.
    var measure: String
    var name: String
    var color: String
    var hasDots: Bool

    package init(_ measure: String, _ name: String, color: String, dots: Bool = false) {
      self.measure = measure
      self.name = name
      self.color = color
      hasDots = dots
    }
  }

  package init(_ file: String, title: String, _ lines: [Line]) {
    self.file = file
    self.title = title
    self.lines = lines
  }

  /// - Parameter points: Gives the values of a measure by its name.
  func svg(_ points: (String) -> [(step: Int, value: Double)]) -> String {
    let series = lines.compactMap { line -> LineChart.Series? in
      let found = points(line.measure).map { (x: Double($0.step), y: $0.value) }
      return found.isEmpty
        ? nil : LineChart.Series(name: line.name, color: line.color, points: found, hasDots: line.hasDots)
    }
    return LineChart(title: title, xLabel: "step", series: series).svg()
  }
}
