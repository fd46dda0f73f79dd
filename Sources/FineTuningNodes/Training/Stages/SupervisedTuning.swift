import LanguageModels
import Pipeline
import Tensors
import TokenShards
import Training

/// `sft`: to continue text as the rows do.
enum SupervisedTuning: StageDeclaration {
  struct Fields: FieldSet {
    var loss = Loss.crossEntropy
    var exponent = 1.0
    var count = 20
    var smoothing = 0.0
    var noise = 0.0

    static let fields: [Field<Self>] = [
      Field(
        "loss", \.loss, since: Birth(default: .crossEntropy),
        doc:
          "What −log p of a label is multiplied by: `cross_entropy` nothing; `dft` its probability (dynamic fine-tuning, "
          + "arXiv:2508.05629); `eaft` how undecided the model is (entropy-adaptive fine-tuning, arXiv:2601.02151)"),
      Field(
        "eaft_alpha", \.exponent, in: 0.0..., for: .when("loss", [Loss.entropy.rawValue]),
        doc: "The exponent of the entropy, which is 1 where the likeliest tokens are all alike"),
      Field(
        "eaft_top_k", \.count, in: 2...1_000, unit: "tokens", for: .when("loss", [Loss.entropy.rawValue]),
        doc: "The likeliest tokens whose entropy counts"),
      Field(
        "label_smoothing", \.smoothing, in: 0...0.99, since: Birth(default: 0),
        for: .when("loss", [Loss.crossEntropy.rawValue]),
        doc: "ε: a label loses (1 − ε)(−log p) + ε · the mean of −log p over the whole vocabulary"),
      Field(
        "neftune_alpha", \.noise, in: 0..., since: Birth(default: 0),
        doc:
          "α of the noise that embeddings get while the model learns, drawn evenly from ±α ÷ √(tokens of the sequence "
          + "· hidden size) (NEFTune, arXiv:2310.05914); 5 to 15 are usual, 0 is none"),
    ]

    var settings: SupervisedStage.Settings {
      var settings = SupervisedStage.Settings()
      switch loss {
      case .crossEntropy: settings.smoothing = smoothing
      case .probability: settings.emphasis = .probability
      case .entropy: settings.emphasis = .entropy(exponent: exponent, count: count)
      }
      settings.noise = noise
      return settings
    }
  }

  enum Loss: String, FieldChoice {
    case crossEntropy = "cross_entropy"
    case probability = "dft"
    case entropy = "eaft"
  }

  static let name = "sft"
  static let doc = "learns to continue text as the rows do (supervised fine-tuning)"
  static let rows = RowShape.texts
  static let measures = [StageMeasure("accuracy", as: .percent), StageMeasure("nll", progress: "−log p")]

  static func stage(_ fields: Fields, _ inputs: StageInputs) -> SupervisedStage { SupervisedStage(fields.settings) }
  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> SupervisedStage {
    SupervisedStage(fields.settings)
  }

  static func firstLoss(_ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel) -> FirstLoss.Expectation? {
    fields.loss == .crossEntropy && fields.smoothing == 0
      ? .tokens(vocabulary: model.configuration.vocabularySize) : nil
  }
}
