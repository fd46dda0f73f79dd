import LanguageModels
import Pipeline
import TokenShards
import Training

/// `bco`: to tell wanted from unwanted answers by how much more than a reference the model says them.
enum ClassifierTuning: StageDeclaration {
  struct Fields: FieldSet {
    var beta = 0.1

    static let fields: [Field<Self>] = [
      Field(
        "beta", \.beta, in: .above(0),
        doc: "How much the model is held to the reference; rewards are log-probability ratios times it")
    ]
  }

  static let name = "bco"
  static let doc =
    "learns to tell wanted from unwanted answers, against a reference (binary classifier optimisation, arXiv:2404.04656)"
  static let rows = RowShape.judged
  static let models = [StageModel.referenceOrScores]
  static let measures = [
    StageMeasure("rewards_chosen", progress: "wanted"), StageMeasure("rewards_rejected", progress: "unwanted"),
    StageMeasure("delta", progress: "mean"),
  ]
  static let picture: StagePicture? = StagePicture(
    "rewards.svg", title: "Rewards",
    [
      .init("rewards_chosen", "wanted", color: "#2f9e6e"), .init("rewards_rejected", "unwanted", color: "#c9434a"),
      .init("delta", "mean so far", color: "#7a7a7a"),
    ])

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> ClassifierStage {
    ClassifierStage(beta: fields.beta, reference: try inputs.judgedReference(withMismatched: false).answers)
  }

  static func scores(_ fields: Fields) -> WantedScores? { Score.answers(withMismatched: false) }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> ClassifierStage {
    ClassifierStage(beta: fields.beta, reference: rows.map { _ in 0 })
  }
}
