import LanguageModels
import Pipeline
import TokenShards
import Training

/// `pt`: to continue plain texts, all of whose tokens are learned.
enum ContinuedPretraining: StageDeclaration {
  struct Fields: FieldSet {
    var smoothing = 0.0
    var noise = 0.0

    static let fields: [Field<Self>] = [
      Field(
        "label_smoothing", \.smoothing, in: 0...0.99,
        doc: "ε: a label loses (1 − ε)(−log p) + ε · the mean of −log p over the whole vocabulary"),
      Field(
        "neftune_alpha", \.noise, in: 0...,
        doc: "α of the noise that embeddings get while the model learns, as in stage `sft`; 0 is none"),
    ]

    var settings: SupervisedStage.Settings {
      var settings = SupervisedStage.Settings()
      settings.smoothing = smoothing
      settings.noise = noise
      return settings
    }
  }

  static let name = "pt"
  static let doc = "learns to continue plain texts (continued pre-training)"
  static let rows = RowShape.plainTexts
  static let measures = [StageMeasure("accuracy", as: .percent)]

  static func stage(_ fields: Fields, _ inputs: StageInputs) -> SupervisedStage { SupervisedStage(fields.settings) }
  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> SupervisedStage {
    SupervisedStage(fields.settings)
  }

  static func firstLoss(_ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel) -> FirstLoss.Expectation? {
    fields.smoothing == 0 ? .tokens(vocabulary: model.configuration.vocabularySize) : nil
  }
}
