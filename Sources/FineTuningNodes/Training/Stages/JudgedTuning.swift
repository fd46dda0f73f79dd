import LanguageModels
import Pipeline
import TokenShards
import Training

/// `kto`: to say wanted answers and not to say unwanted ones, more than a reference does.
enum JudgedTuning: StageDeclaration {
  struct Fields: FieldSet {
    var loss = LossName.kto
    var beta = 0.1
    var wanted = 1.0
    var unwanted = 1.0

    static let fields: [Field<Self>] = [
      Field(
        "loss", \.loss,
        doc:
          "`kto` compares each answer with the divergence of the model from the reference; `apo_zero_unpaired` with 0 "
          + "(arXiv:2408.06266)"),
      Field(
        "beta", \.beta, in: .above(0),
        doc: "How much the model is held to the reference; rewards are log-probability ratios times it"),
      Field("desirable_weight", \.wanted, in: 0.0..., doc: "What a wanted answer counts"),
      Field("undesirable_weight", \.unwanted, in: 0.0..., doc: "What an unwanted answer counts"),
    ]

    var settings: JudgedStage.Settings {
      JudgedStage.Settings(
        loss == .kto ? .kto : .apoZeroUnpaired, beta: beta, wantedWeight: wanted, unwantedWeight: unwanted)
    }
  }

  enum LossName: String, FieldChoice {
    case kto
    case apoZeroUnpaired = "apo_zero_unpaired"
  }

  static let name = "kto"
  static let doc =
    "learns from answers that are each wanted or not, against a reference (Kahneman–Tversky optimisation, arXiv:2402.01306)"
  static let rows = RowShape.judged
  static let models = [StageModel.referenceOrScores]
  static let measures = [
    StageMeasure("rewards_chosen", progress: "wanted"), StageMeasure("rewards_rejected", progress: "unwanted"),
    StageMeasure("kl", progress: "KL"),
  ]
  static let picture: StagePicture? = StagePicture(
    "rewards.svg", title: "Rewards",
    [
      .init("rewards_chosen", "wanted", color: "#2f9e6e"), .init("rewards_rejected", "unwanted", color: "#c9434a"),
      .init("kl", "divergence", color: "#7a7a7a"),
    ])

  static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    guard fields.wanted == 0, fields.unwanted == 0 else { return [] }
    return [
      .init(
        port: "desirable_weight", "Nothing is minimised: wanted and unwanted answers count 0",
        advice: "give one of the weights a number above 0")
    ]
  }

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> JudgedStage {
    let set = try TokenSet(inputs.data)
    return JudgedStage(
      fields.settings, reference: try inputs.judgedReference(withMismatched: fields.settings.loss.usesDivergence),
      rows: set.trainingRows, longest: set.longest)
  }

  static func scores(_ fields: Fields) -> WantedScores? {
    Score.answers(withMismatched: fields.settings.loss.usesDivergence)
  }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> JudgedStage {
    let zeros = rows.map { _ in 0.0 }
    return JudgedStage(
      fields.settings, reference: JudgedStage.Reference(answers: zeros, mismatched: zeros), rows: TrainingRows(rows),
      longest: rows.map(\.tokenCount).max() ?? 0)
  }
}
