import LanguageModels
import Pipeline
import Tensors
import TokenShards
import Training

/// `dpo`: to prefer chosen to rejected answers more than a reference does.
enum PreferenceTuning: StageDeclaration {
  struct Fields: FieldSet {
    var loss = [PairLossName.sigmoid]
    var lossWeights: [Double] = []
    var beta = 0.1
    var labelSmoothing = 0.0
    var supervised = 0.0
    var tailWeight = 1.0
    var weighted = false
    var divergence = DivergenceName.reverse
    var divergenceAlpha = 0.5
    var sync: ReferenceSync?

    static let fields: [Field<Self>] = [
      Field(
        "loss", \.loss, since: Birth(default: [.sigmoid]),
        doc: "What is minimised; several are added up. "
          + PairLoss.withReference.map { "`\($0.name)`: \($0.doc)" }.joined(separator: "; ")),
      Field(
        "loss_weights", \.lossWeights, in: 0.0..., since: Birth(default: []),
        doc: "What each of several losses counts; 1 unless given"),
      Field(
        "beta", \.beta, in: .above(0),
        doc: "How much the model is held to the reference; rewards are log-probability ratios times it"),
      Field(
        "label_smoothing", \.labelSmoothing, in: 0..<0.5, unit: "share of the pairs",
        doc: "How many pairs are believed to be the wrong way round; for `sigmoid`, `robust`, `exo_pair`, `aot` and "
          + "`aot_unpaired`"),
      Field(
        "sft_weight", \.supervised, in: 0.0..., since: Birth(default: 0),
        doc: "How much −log p of the chosen answer, its mean over tokens, counts beside the loss (arXiv:2404.19733)"),
      Field(
        "ld_alpha", \.tailWeight, in: 0...1.0, since: Birth(default: 1),
        doc: "What a token beyond the length of the shorter answer counts, in model and reference (arXiv:2409.06411)"),
      Field(
        "wpo", \.weighted, since: Birth(default: false),
        doc: "Lets a pair count as much as the model itself would say its answers (arXiv:2406.11827)"),
      Field(
        "f_divergence", \.divergence, since: Birth(default: .reverse),
        doc:
          "What holds the model to the reference, in losses of the difference alone (arXiv:2309.16240): `reverse_kl`, "
          + "`forward_kl`, `js`, `alpha`"),
      Field(
        "f_alpha", \.divergenceAlpha, in: .above(0), for: .when("f_divergence", ["alpha"]),
        doc: "The order of the α-divergence"),
      Field("sync_reference", \.sync, since: Birth(default: nil), doc: ReferenceSync.fieldDoc),
    ]

    var objective: PairObjective {
      PairObjective(
        loss.enumerated().map { index, name in
          PairObjective.Term(name.loss, weight: index < lossWeights.count ? lossWeights[index] : 1)
        },
        beta: beta, labelSmoothing: labelSmoothing, divergence: divergence.divergence(alpha: divergenceAlpha),
        supervised: supervised, tailWeight: tailWeight, isWeighted: weighted)
    }
  }

  /// What the log-ratios are taken as.
  enum DivergenceName: String, FieldChoice {
    case reverse = "reverse_kl"
    case forward = "forward_kl"
    case jensenShannon = "js"
    case alpha

    func divergence(alpha: Double) -> Divergence? {
      switch self {
      case .reverse: nil
      case .forward: .forward
      case .jensenShannon: .jensenShannon
      case .alpha: .alpha(alpha)
      }
    }
  }

  static let name = "dpo"
  static let doc =
    "learns to prefer chosen to rejected answers (direct preference optimisation, arXiv:2305.18290)"
  static let rows = RowShape.pairs
  static let learningFields: Set<String> = ["sync_reference"]
  static let models = [StageModel.referenceOrScores]
  static let measures = StageMeasure.ofRewards
  static let picture: StagePicture? = .ofRewards

  static func conflicts(_ fields: Fields, _ inputs: InputTypes) -> [Inference.Conflict] {
    var conflicts = ReferenceSync.conflicts(fields.sync, inputs)
    if !fields.lossWeights.isEmpty, fields.lossWeights.count != fields.loss.count {
      conflicts.append(
        .init(
          port: "loss_weights",
          "`loss_weights` has \(fields.lossWeights.count) numbers, `loss` has \(fields.loss.count)",
          advice: "give each loss a weight, in the same order"))
    }
    if Set(fields.loss).count != fields.loss.count || fields.loss.isEmpty {
      conflicts.append(
        .init(
          port: "loss", fields.loss.isEmpty ? "`loss` names no loss" : "`loss` names a loss twice",
          advice: "name each loss once"))
    }
    if !fields.lossWeights.isEmpty, fields.lossWeights.allSatisfy({ $0 == 0 }), fields.supervised == 0 {
      conflicts.append(
        .init(
          port: "loss_weights", "Nothing is minimised: every loss counts 0", advice: "give one of them a weight above 0"
        ))
    }
    let losses = fields.loss.map(\.loss)
    if fields.labelSmoothing > 0, let other = losses.first(where: { !$0.takesLabelSmoothing }) {
      conflicts.append(
        .init(
          port: "label_smoothing", "`label_smoothing` has no effect on the loss `\(other.name)`",
          advice: "leave it out, or take `sigmoid`"))
    }
    if fields.divergence != .reverse, let other = losses.first(where: { !$0.isOfDifference }) {
      conflicts.append(
        .init(
          port: "f_divergence", "`f_divergence` has no effect on the loss `\(other.name)`",
          reason: "it is not a function of the difference of the log-ratios alone",
          advice: "leave it out, or take `sigmoid`"
        ))
    }
    if fields.weighted, let other = losses.first(where: { $0.sorting != nil }) {
      conflicts.append(
        .init(
          port: "wpo", "`wpo` weights pairs, the loss `\(other.name)` has none",
          advice: "leave it out, or take `sigmoid`"))
    }
    return conflicts
  }

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> PairStage {
    PairStage(
      fields.objective, reference: try inputs.referenceScores(tailWeight: fields.tailWeight),
      moves: fields.sync?.moves)
  }

  static func scores(_ fields: Fields) -> WantedScores? { Score.pairs(tailWeight: fields.tailWeight) }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> PairStage {
    PairStage(
      fields.objective, reference: rows.map { _ in PairLogProbabilities(chosen: 0, rejected: 0) },
      moves: fields.sync?.moves)
  }

  static func firstLoss(
    _ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel
  ) throws -> FirstLoss.Expectation? {
    // Only where all that is minimised is the logarithm of ½ at the start.
    guard fields.loss == [.sigmoid], fields.lossWeights.allSatisfy({ $0 == 1 }), fields.supervised == 0,
      !fields.weighted, try inputs.isOwnReference()
    else { return nil }
    return .ownReference(beta: fields.beta, rounding: FirstLoss.rounding(model.compute.computeClass))
  }
}

/// The name of a loss over pairs that compares with a reference.
struct PairLossName: FieldChoice, Hashable {
  let loss: PairLoss
  var rawValue: String { loss.name }

  init?(rawValue: String) {
    guard let loss = PairLoss.withReference.first(where: { $0.name == rawValue }) else { return nil }
    self.loss = loss
  }

  private init(_ loss: PairLoss) { self.loss = loss }

  static let allCases = PairLoss.withReference.map(PairLossName.init)
  static let sigmoid = allCases[0]

  static func == (first: PairLossName, second: PairLossName) -> Bool { first.rawValue == second.rawValue }
  func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}
