import LanguageModels
import Pipeline
import Tensors
import TokenShards
import Tokenization
import Training

/// `distillation`: to say what a teacher says, as likely as it does.
enum TeacherTuning: StageDeclaration {
  struct Fields: FieldSet {
    var scores = Known.topK
    var count = 16
    var rest = Rest.bucket
    var divergence = Direction.forward
    var beta = 0.5
    var temperature = 1.0
    var labelWeight = 0.0
    var ownAnswers = 0.0
    var maxCompletion = 128

    static let fields: [Field<Self>] = [
      Field(
        "teacher_scores", \.scores,
        doc:
          "What is known of the teacher: its likeliest tokens at each label, asked once and kept (`top_k`), or its whole "
          + "distribution, for which it is asked in every step (`all`)"),
      Field(
        "top_k", \.count, in: 1...65_536, unit: "tokens", for: .when("teacher_scores", ["top_k"]),
        doc: "Tokens that are kept a label"),
      Field(
        "rest", \.rest, for: .when("teacher_scores", ["top_k"]),
        doc: "Whether all other tokens count as one more (`bucket`), or those kept for all there are (`none`)"),
      Field(
        "divergence", \.divergence, for: .when("teacher_scores", ["all"]),
        doc:
          "`forward` KL(teacher ‖ student), `reverse` KL(student ‖ teacher), or `jsd`, the generalised Jensen–Shannon "
          + "divergence (arXiv:2306.13649)"),
      Field(
        "jsd_beta", \.beta, in: 0.001...0.999, for: .when("teacher_scores", ["all"]).and(.when("divergence", ["jsd"])),
        doc: "What the teacher counts in the mixture, and its divergence from it"),
      Field(
        "temperature", \.temperature, in: .above(0),
        doc: "What logits of teacher and student are divided by; there is no factor of its square"),
      Field(
        "label_weight", \.labelWeight, in: 0...1.0,
        doc: "The share of −log p of the labels in the loss; the divergence has the rest"),
      Field(
        "on_policy", \.ownAnswers, in: 0...1.0, unit: "share of the steps", for: .when("teacher_scores", ["all"]),
        doc: "In how many steps the student answers the prompts itself, and learns on what it said"),
      Field(
        "max_completion", \.maxCompletion, in: 1...1_048_576, unit: "tokens", for: .when("teacher_scores", ["all"]),
        doc: "The longest answer of its own"),
    ]
  }

  enum Known: String, FieldChoice {
    case topK = "top_k"
    case all
  }

  enum Rest: String, FieldChoice {
    case bucket
    case none

    var rest: LikeliestTokens.Rest { self == .bucket ? .bucket : .none }
  }

  enum Direction: String, FieldChoice {
    case forward
    case reverse
    case jsd
  }

  static let name = "distillation"
  static let doc = "learns the distribution of another model at each label (knowledge distillation, arXiv:1503.02531)"
  static let rows = RowShape.texts
  static let learningFields: Set<String> = ["on_policy", "max_completion"]
  static let models = [
    StageModel(
      "teacher", optional: false, orScores: true,
      doc: "The model that is learned from, of the same tokenizer, or its scores")
  ]
  static let measures = [
    StageMeasure("divergence", progress: "divergence", toldOfHeldOut: true), StageMeasure("nll", toldOfHeldOut: true),
    StageMeasure("accuracy", progress: "accuracy", as: .percent),
  ]
  static let picture: StagePicture? = StagePicture(
    "divergence.svg", title: "Divergence from the teacher",
    [
      .init("divergence", "divergence", color: "#2f9e6e"),
      .init("eval_divergence", "held out", color: "#4a6fc9", dots: true),
    ])

  static func longest(_ fields: Fields, rows: Int) -> Int {
    fields.scores == .all && fields.ownAnswers > 0 ? rows + fields.maxCompletion : rows
  }

  static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    var conflicts = fields.scores == .topK ? WantedScores.conflicts(fields.count, at: "teacher", inputs) : []
    if fields.labelWeight == 1 {
      conflicts.append(
        .init(
          port: "label_weight", "Nothing is learned from the teacher with `label_weight: 1`",
          reason: "the divergence has the rest of the loss, which is nothing",
          advice: "give a smaller share, or take `stage: sft`"))
    }
    return conflicts
  }

  static func standing(_ fields: Fields) -> [String] { fields.scores == .all ? ["teacher"] : [] }

  private static func settings(_ fields: Fields, stops: Set<Int32>) -> DistillationStage.Settings {
    let direction: LabelDivergence.Direction =
      switch fields.divergence {
      case .forward: .forward
      case .reverse: .reverse
      case .jsd: .jensenShannon(fields.beta)
      }
    return DistillationStage.Settings(
      fields.scores == .all ? direction : .forward, temperature: fields.temperature, share: 1 - fields.labelWeight,
      ownAnswers: fields.scores == .all && fields.ownAnswers > 0
        ? DistillationStage.OwnAnswers(
          share: fields.ownAnswers, maximumTokens: fields.maxCompletion, stops: stops) : nil)
  }

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> DistillationStage {
    try stage(fields, inputs, answers: true)
  }

  /// - Parameter answers: Whether the student may answer itself; what is measured is measured on the rows.
  private static func stage(_ fields: Fields, _ inputs: StageInputs, answers: Bool) throws -> DistillationStage {
    var settings = settings(fields, stops: Set(StopToken.ids(of: inputs.data)))
    if !answers { settings.ownAnswers = nil }
    switch fields.scores {
    case .all:
      let teacher = try ModelArtefact(inputs.context, port: "teacher", threads: inputs.threads)
      return DistillationStage(
        settings, .model(try teacher.model(longest: longest(fields, rows: TokenSet(inputs.data).longest))))
    case .topK:
      let labels = try inputs.likeliest(count: fields.count, temperature: fields.temperature)
      return DistillationStage(settings, .likeliest(count: fields.count, rest: fields.rest.rest) { labels[$0] })
    }
  }

  static func scores(_ fields: Fields) -> WantedScores? {
    fields.scores == .topK
      ? Score.likeliest(port: "teacher", count: fields.count, temperature: fields.temperature) : nil
  }

  static func measured(_ fields: Fields, _ inputs: StageInputs) throws -> DistillationStage {
    try stage(fields, inputs, answers: false)
  }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> DistillationStage {
    let labels = { (number: Int) in
      let count = rows[number].labelCount * fields.count
      return LikeliestLabels(
        ids: [Int32](repeating: 0, count: count), logProbabilities: [Float](repeating: -3, count: count))
    }
    var settings = settings(fields, stops: [])
    settings.ownAnswers = nil
    return DistillationStage(settings, .likeliest(count: fields.count, rest: fields.rest.rest, read: labels))
  }
}
