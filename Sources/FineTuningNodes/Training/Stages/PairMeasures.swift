import Pipeline

extension StageMeasure {
  /// What every stage over pairs tells of its rewards.
  static let ofRewards = [
    StageMeasure("rewards_accuracy", progress: "rewards accuracy", as: .percent, toldOfHeldOut: true),
    StageMeasure("rewards_margin", progress: "margin"),
  ]
}

extension StagePicture {
  /// The rewards of chosen and rejected answers and their margin over the steps.
  static let ofRewards = StagePicture(
    "rewards.svg", title: "Rewards",
    [
      .init("rewards_chosen", "chosen", color: "#2f9e6e"), .init("rewards_rejected", "rejected", color: "#c9434a"),
      .init("rewards_margin", "margin", color: "#3b7dd8"),
      .init("eval_rewards_margin", "held-out margin", color: "#d8703b", dots: true),
    ])
}
