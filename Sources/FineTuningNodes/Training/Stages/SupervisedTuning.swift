import LanguageModels
import Pipeline
import TokenShards
import Training

/// `sft`: to continue text as the rows do.
enum SupervisedTuning: StageDeclaration {
  struct Fields: FieldSet {
    static let fields: [Field<Self>] = []
  }

  static let name = "sft"
  static let doc = "learns to continue text as the rows do (supervised fine-tuning)"
  static let rows = RowShape.texts
  static let measures = [StageMeasure("accuracy", as: .percent)]

  static func stage(_ fields: Fields, _ inputs: StageInputs) -> SupervisedStage { SupervisedStage() }

  static func foreseen(_ fields: Fields, rows: [TokenRow]) -> SupervisedStage { SupervisedStage() }

  static func firstLoss(_ fields: Fields, _ inputs: StageInputs, _ model: LanguageModel) -> FirstLoss.Expectation? {
    .tokens(vocabulary: model.configuration.vocabularySize)
  }
}
