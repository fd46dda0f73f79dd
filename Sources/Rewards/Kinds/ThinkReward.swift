import Training

/// Whether a completion begins with its thoughts.
package struct ThinkReward: RewardKind, SampleReward, Hashable {
  package static let name = "think"
  package static let doc =
    "wants thoughts between `<think>` and `</think>` at the very start, and no second `<think>` (as TRL's)"

  package init() {}

  package static let settings: [Setting<Self>] = []

  package func reward(of sample: RewardSample) -> Double? {
    let (opening, closing) = (Array("<think>".utf8), Array("</think>".utf8))
    let bytes = Array(sample.completion.utf8)
    guard bytes.starts(with: opening) else { return 0 }
    let rest = bytes[opening.count...]
    return rest.firstRange(of: opening) == nil && rest.firstRange(of: closing) != nil ? 1 : 0
  }
}
