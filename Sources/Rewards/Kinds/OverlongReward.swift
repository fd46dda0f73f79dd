import Training

/// A soft punishment of completions near the longest.
package struct OverlongReward: RewardKind, Hashable {
  package static let name = "overlong"
  package static let doc =
    "punishes length softly (equation 13 of arXiv:2503.14476): 0 up to `longest` less `cache` tokens, then falling to -1"

  package var longest: Int?
  package var cache: Int?

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count(
      "longest", \.longest, .atLeast(1), unit: "tokens",
      doc: "From here on the reward is -1; what the stage lets a completion have unless given"),
    .count(
      "cache", \.cache, .atLeast(0), unit: "tokens",
      doc: "Over how many tokens before the longest it falls; a fifth of `longest` unless given"),
  ]

  package var problem: String? {
    guard let longest, let cache, cache > longest else { return nil }
    return "`cache` is \(cache), above `longest`, \(longest)"
  }

  package func function(in context: RewardContext) throws -> any RewardFunction {
    let longest = longest ?? context.longestCompletion
    return Fall(longest: longest, cache: cache ?? longest / 5)
  }

  private struct Fall: SampleReward {
    let longest: Int
    let cache: Int

    func reward(of sample: RewardSample) -> Double? {
      let (count, free) = (sample.ids.count, longest - cache)
      if count <= free { return 0 }
      return count > longest ? -1 : Double(free - count) / Double(cache)
    }
  }
}
