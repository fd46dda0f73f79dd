import Pipeline
import Training

/// `simpo`: to prefer chosen to rejected answers by the mean log-probability of their tokens, without a reference.
enum SimpleTuning: ReferenceFreeStage {
  struct Fields: FieldSet {
    var beta = 2.0
    var gamma = 1.0
    var labelSmoothing = 0.0
    var supervised = 0.0
    var alpha: Double?

    static let fields: [Field<Self>] = [
      Field("beta", \.beta, in: .above(0), doc: "What mean log-probabilities are multiplied by to be rewards"),
      Field(
        "gamma", \.gamma, in: 0.0...,
        doc: "The margin that the reward of the chosen answer is to have; not times `beta`"),
      Field(
        "label_smoothing", \.labelSmoothing, in: 0..<0.5, unit: "share of the pairs",
        doc: "How many pairs are believed to be the wrong way round"),
      Field(
        "sft_weight", \.supervised, in: 0.0...,
        doc: "How much −log p of the chosen answer, its mean over tokens, counts beside the loss"),
      Field(
        "alpha", \.alpha, in: .above(0),
        doc: "Rewards are (1 − e^(−αt)) ÷ α of the mean log-probability t (AlphaPO, arXiv:2501.03884) instead of t"),
    ]
  }

  static let name = "simpo"
  static let doc =
    "learns to prefer chosen to rejected answers by their mean log-probability, without a reference (arXiv:2405.14734)"

  static func objective(_ fields: Fields) -> PairObjective {
    PairObjective(
      [PairObjective.Term(.simple)], beta: fields.beta, labelSmoothing: fields.labelSmoothing, margin: fields.gamma,
      divergence: fields.alpha.map { .alphaReward($0) }, supervised: fields.supervised)
  }
}
