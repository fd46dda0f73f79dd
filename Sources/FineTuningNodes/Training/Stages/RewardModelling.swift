import LanguageModels
import Pipeline
import TokenShards
import Training

/// `rm`: to score answers, so that chosen ones get more than rejected ones.
enum RewardModelling: StageDeclaration {
  struct Fields: FieldSet {
    var centering = 0.0

    static let fields: [Field<Self>] = [
      Field(
        "center_rewards", \.centering, in: 0.0...,
        doc: "How much (score chosen + score rejected)² counts beside the loss, which draws scores to a mean of zero "
          + "(arXiv:2312.09244; 0.01 is usual)")
    ]
  }

  static let name = "rm"
  static let doc =
    "learns to score answers by a linear map of the last token's hidden state (reward modelling, arXiv:2203.02155)"
  static let rows = RowShape.pairs
  static let trainsHead = true
  static let measures = [
    StageMeasure("accuracy", progress: "accuracy", as: .percent, toldOfHeldOut: true),
    StageMeasure("margin", progress: "margin"),
  ]
  static let picture: StagePicture? = StagePicture(
    "rewards.svg", title: "Rewards",
    [
      .init("reward_chosen", "chosen", color: "#2f9e6e"), .init("reward_rejected", "rejected", color: "#c9434a"),
      .init("eval_accuracy", "held-out accuracy", color: "#4a6fc9", dots: true),
    ])

  static func stage(_ fields: Fields, _ inputs: StageInputs) throws -> RewardStage {
    RewardStage(try inputs.scoreHead(), centering: fields.centering)
  }

  static func foreseen(_ fields: Fields, rows: [TokenRow], of model: ModelConfiguration) -> RewardStage {
    RewardStage(ScoreHead(width: model.hiddenSize, seed: 0), centering: fields.centering)
  }
}
