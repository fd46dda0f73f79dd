import Pipeline
import Training

/// `cpo`: to prefer chosen to rejected answers, without a reference, and to say them.
enum ContrastiveTuning: ReferenceFreeStage {
  struct Fields: FieldSet {
    var loss = LossName.sigmoid
    var beta = 0.1
    var labelSmoothing = 0.0
    var supervised = 1.0

    static let fields: [Field<Self>] = [
      Field("loss", \.loss, doc: "How answers are compared, as in `dpo`"),
      Field("beta", \.beta, in: .above(0), doc: "What log-probabilities are multiplied by to be rewards"),
      Field(
        "label_smoothing", \.labelSmoothing, in: 0..<0.5, unit: "share of the pairs", for: .when("loss", ["sigmoid"]),
        doc: "How many pairs are believed to be the wrong way round"),
      Field(
        "sft_weight", \.supervised, in: 0.0...,
        doc: "How much −log p of the chosen answer, its mean over tokens, counts beside the loss"),
    ]
  }

  enum LossName: String, FieldChoice {
    case sigmoid
    case hinge
    case ipo
  }

  static let name = "cpo"
  static let doc =
    "learns to prefer chosen to rejected answers, without a reference (contrastive preference optimisation, arXiv:2401.08417)"

  static func objective(_ fields: Fields) -> PairObjective {
    PairObjective(
      PairLoss.contrastive.filter { $0.name == fields.loss.rawValue }.map { PairObjective.Term($0) }, beta: fields.beta,
      labelSmoothing: fields.labelSmoothing, supervised: fields.supervised)
  }
}
