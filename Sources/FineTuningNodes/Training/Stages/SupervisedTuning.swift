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
    ]

    var emphasis: LabelEmphasis? {
      switch loss {
      case .crossEntropy: nil
      case .probability: .probability
      case .entropy: .entropy(exponent: exponent, count: count)
      }
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

  static func stage(_ fields: Fields, _ inputs: StageInputs) -> SupervisedStage { SupervisedStage(fields.emphasis) }
  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> SupervisedStage {
    SupervisedStage(fields.emphasis)
  }

  static func firstLoss(_ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel) -> FirstLoss.Expectation? {
    fields.emphasis == nil ? .tokens(vocabulary: model.configuration.vocabularySize) : nil
  }
}
