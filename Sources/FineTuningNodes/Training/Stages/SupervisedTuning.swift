import Diagnostics
import LanguageModels
import Pipeline
import PreciseJSON
import Tensors
import TokenShards
import Training

/// `sft`: to continue text as the rows do.
enum SupervisedTuning: StageDeclaration {
  struct Fields: FieldSet {
    var loss = Loss.crossEntropy
    var exponent = 1.0
    var count = 20
    var divergenceWeight = 0.1
    var direction = Direction.forward
    var smoothing = 0.0
    var noise = 0.0
    var bySource = false

    static let fields: [Field<Self>] = [
      Field(
        "loss", \.loss, since: Birth(default: .crossEntropy),
        doc:
          "What −log p of a label is multiplied by: `cross_entropy` nothing; `dft` its probability (dynamic fine-tuning, "
          + "arXiv:2508.05629); `eaft` how undecided the model is (entropy-adaptive fine-tuning, arXiv:2601.02151); `asft` as `dft`, "
          + "and the model's distributions are held to a reference's (anchored fine-tuning, arXiv:2509.23753)"),
      Field(
        "eaft_alpha", \.exponent, in: 0.0..., for: .when("loss", [Loss.entropy.rawValue]),
        doc: "The exponent of the entropy, which is 1 where the likeliest tokens are all alike"),
      Field(
        "eaft_top_k", \.count, in: 2...1_000, unit: "tokens", for: .when("loss", [Loss.entropy.rawValue]),
        doc: "The likeliest tokens whose entropy counts"),
      Field(
        "asft_weight", \.divergenceWeight, in: 0.0..., for: .when("loss", [Loss.anchored.rawValue]),
        doc: "What the divergence from the reference counts, over the whole vocabulary at each label"),
      Field(
        "asft_kl", \.direction, for: .when("loss", [Loss.anchored.rawValue]),
        doc: "`forward` is KL(reference ‖ model), `reverse` KL(model ‖ reference)"),
      Field(
        "label_smoothing", \.smoothing, in: 0...0.99, since: Birth(default: 0),
        for: .when("loss", [Loss.crossEntropy.rawValue]),
        doc: "ε: a label loses (1 − ε)(−log p) + ε · the mean of −log p over the whole vocabulary"),
      Field(
        "neftune_alpha", \.noise, in: 0..., since: Birth(default: 0),
        doc:
          "α of the noise that embeddings get while the model learns, drawn evenly from ±α ÷ √(tokens of the sequence "
          + "· hidden size) (NEFTune, arXiv:2310.05914); 5 to 15 are usual, 0 is none"),
      Field(
        "by_source", \.bySource, since: Birth(default: false),
        doc: "Tells −log p and label tokens of each source of the rows: `loss/NAME` and `tokens/NAME` in the metrics"),
    ]

    var settings: SupervisedStage.Settings {
      var settings = SupervisedStage.Settings()
      switch loss {
      case .crossEntropy: settings.smoothing = smoothing
      case .probability, .anchored: settings.emphasis = .probability
      case .entropy: settings.emphasis = .entropy(exponent: exponent, count: count)
      }
      settings.noise = noise
      settings.tellsSources = bySource
      return settings
    }
  }

  enum Loss: String, FieldChoice {
    case crossEntropy = "cross_entropy"
    case probability = "dft"
    case entropy = "eaft"
    case anchored = "asft"
  }

  enum Direction: String, FieldChoice {
    case forward
    case reverse
  }

  static let name = "sft"
  static let doc = "learns to continue text as the rows do (supervised fine-tuning)"
  static let rows = RowShape.texts
  static func standing(_ fields: Fields) -> [String] {
    fields.loss == .anchored ? [StageModel.reference.port] : []
  }

  static let learningFields: Set<String> = ["neftune_alpha"]
  static let models = [
    StageModel(
      "reference", optional: true, for: .when("loss", [Loss.anchored.rawValue]),
      doc: "What `asft` holds the model to; without it the model without its adapter, or as it comes in")
  ]
  static let measures = [
    StageMeasure("accuracy", as: .percent), StageMeasure("nll", progress: "−log p"),
    StageMeasure("kl", progress: "KL"),
  ]

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> SupervisedStage {
    var settings = fields.settings
    let counts = inputs.data.details["counts"].flatMap(TokenCounts.init(json:))
    settings.isWeighted = counts.map { $0.weighted > 0 } ?? false
    if settings.tellsSources, let counts, counts.sources.isEmpty {
      inputs.context.warn(
        Diagnostic(
          .warning, code: "no-sources", "The \(inputs.what) have no sources: `by_source` tells of all as of one",
          advice: "name them by `source:` or `columns: {source: …}` of `load_dataset`"))
    }
    return SupervisedStage(settings, anchor: try anchor(fields, inputs))
  }

  private static func anchor(_ fields: Fields, _ inputs: StageInputs) throws -> SupervisedStage.Anchor? {
    guard fields.loss == .anchored, let model = try inputs.frozenReference() else { return nil }
    return SupervisedStage.Anchor(
      model, fields.direction == .forward ? .forward : .reverse, weight: fields.divergenceWeight)
  }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> SupervisedStage {
    SupervisedStage(fields.settings)
  }

  static func firstLoss(_ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel) -> FirstLoss.Expectation? {
    fields.loss == .crossEntropy && fields.smoothing == 0
      ? .tokens(vocabulary: model.configuration.vocabularySize) : nil
  }
}
