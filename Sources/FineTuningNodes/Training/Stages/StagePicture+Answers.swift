extension StagePicture {
  /// What answers were worth, round by round.
  static let ofAnswers = StagePicture(
    "rewards.svg", title: "Rewards of answers",
    [
      .init("reward", "reward", color: "#2f9e6e"),
      .init("eval_reward", "held-out prompts, the likeliest answers", color: "#4a6fc9", dots: true),
    ])
}
