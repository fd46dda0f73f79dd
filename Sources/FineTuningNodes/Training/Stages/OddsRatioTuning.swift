import Pipeline
import Training

/// `orpo`: to say chosen answers, and to prefer them to rejected ones, without a reference.
enum OddsRatioTuning: ReferenceFreeStage {
  struct Fields: FieldSet {
    var beta = 0.1

    static let fields: [Field<Self>] = [
      Field("beta", \.beta, in: .above(0), doc: "How much preferring counts beside saying the chosen answer")
    ]
  }

  static let name = "orpo"
  static let doc =
    "learns chosen answers and to prefer them to rejected ones, without a reference (odds ratio, arXiv:2403.07691)"

  static func objective(_ fields: Fields) -> PairObjective {
    PairObjective([PairObjective.Term(.oddsRatio)], beta: fields.beta)
  }
}
