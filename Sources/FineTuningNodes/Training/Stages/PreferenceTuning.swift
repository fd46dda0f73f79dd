import LanguageModels
import Pipeline
import Tensors
import TokenShards
import Training

/// `dpo`: to prefer chosen to rejected answers more than a reference does.
enum PreferenceTuning: StageDeclaration {
  struct Fields: FieldSet {
    var beta = PairObjective([]).beta
    var labelSmoothing = PairObjective([]).labelSmoothing

    static let fields: [Field<Self>] = [
      Field(
        "beta", \.beta, in: .above(0),
        doc: "How much the model is held to the reference; rewards are log-probability ratios times it"),
      Field(
        "label_smoothing", \.labelSmoothing, in: 0..<0.5, unit: "share of the pairs",
        doc: "How many pairs are believed to be the wrong way round"),
    ]
  }

  static let name = "dpo"
  static let doc =
    "learns to prefer chosen to rejected answers (direct preference optimisation, arXiv:2305.18290)"
  static let rows = RowShape.pairs
  static let models = [
    StageModel(
      "reference", optional: true, doc: "What the model is compared with; the model as it comes in unless given")
  ]
  static let measures = [
    StageMeasure("rewards_accuracy", progress: "rewards accuracy", as: .percent, toldOfHeldOut: true),
    StageMeasure("rewards_margin", progress: "margin"),
  ]
  static let picture: StagePicture? = StagePicture(
    "rewards.svg", title: "Rewards",
    [
      .init("rewards_chosen", "chosen", color: "#2f9e6e"), .init("rewards_rejected", "rejected", color: "#c9434a"),
      .init("rewards_margin", "margin", color: "#3b7dd8"),
      .init("eval_rewards_margin", "held-out margin", color: "#d8703b", dots: true),
    ])

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> PairStage {
    PairStage(objective(fields), reference: try inputs.referenceScores())
  }

  static func foreseen(_ fields: Fields, rows: [TokenRow]) -> PairStage {
    PairStage(objective(fields), reference: rows.map { _ in PairLogProbabilities(chosen: 0, rejected: 0) })
  }

  static func firstLoss(
    _ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel
  ) throws -> FirstLoss.Expectation? {
    guard try inputs.isOwnReference() else { return nil }
    return .ownReference(beta: fields.beta, rounding: FirstLoss.rounding(model.compute.computeClass))
  }

  private static func objective(_ fields: Fields) -> PairObjective {
    PairObjective(
      PairLoss.withReference.filter { $0.name == "sigmoid" }.map { PairObjective.Term($0) }, beta: fields.beta,
      labelSmoothing: fields.labelSmoothing)
  }
}
