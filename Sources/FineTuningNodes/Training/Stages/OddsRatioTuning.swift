import Pipeline
import TokenShards
import Training

/// `orpo`: to say chosen answers, and to prefer them to rejected ones, without a reference.
enum OddsRatioTuning: StageDeclaration {
  struct Fields: FieldSet {
    var beta = 0.1

    static let fields: [Field<Self>] = [
      Field("beta", \.beta, in: .above(0), doc: "How much preferring counts beside saying the chosen answer")
    ]
  }

  static let name = "orpo"
  static let doc =
    "learns chosen answers and to prefer them to rejected ones, without a reference (odds ratio, arXiv:2403.07691)"
  static let rows = RowShape.pairs
  static let measures = StageMeasure.ofRewards
  static let picture: StagePicture? = .ofRewards

  static func stage(_ fields: Fields, _ inputs: StageInputs) -> PairStage { stage(fields) }
  static func foreseen(_ fields: Fields, rows: [TokenRow]) -> PairStage { stage(fields) }

  private static func stage(_ fields: Fields) -> PairStage {
    PairStage(PairObjective([PairObjective.Term(.oddsRatio)], beta: fields.beta), reference: nil)
  }
}
