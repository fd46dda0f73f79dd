import Training

/// A punishment of saying the same again.
package struct RepetitionReward: RewardKind, SampleReward, Hashable {
  package static let name = "repetition"
  package static let doc =
    "punishes runs of tokens that come again (arXiv:2502.03373): the share that does, times `penalty`"

  package var size = 3
  package var penalty = -1.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("size", \.size, .atLeast(1), unit: "tokens", doc: "The length of a run"),
    .number(
      "penalty", \.penalty, .negative, doc: "The reward where every run is the same"),
  ]

  package func reward(of sample: RewardSample) -> Double? {
    let count = sample.ids.count - size + 1
    guard count > 0 else { return 0 }
    let distinct = Set((0..<count).map { sample.ids[$0..<($0 + size)] }).count
    return distinct < count ? penalty * (1 - Double(distinct) / Double(count)) : 0
  }
}
