import LanguageModels
import Pipeline
import TokenShards
import Training

/// A stage over pairs that asks no other model: its objective says all.
protocol ReferenceFreeStage: StageDeclaration where Stage == PairStage {
  static func objective(_ fields: Fields) -> PairObjective
}

extension ReferenceFreeStage {
  static var rows: RowShape { .pairs }
  static var measures: [StageMeasure] { StageMeasure.ofRewards }
  static var picture: StagePicture? { .ofRewards }

  static func stage(_ fields: Fields, _ inputs: StageInputs) -> PairStage {
    PairStage(objective(fields), reference: nil)
  }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> PairStage {
    PairStage(objective(fields), reference: nil)
  }
}
