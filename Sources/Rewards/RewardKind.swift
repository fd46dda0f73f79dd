import Training

/// The settings of a kind of reward functions: one file a kind, and a line in ``rewardKinds``.
package protocol RewardKind: Tunable {
  /// The columns of a row that the function reads.
  var columns: [String] { get }

  /// A function with these settings, which may hold a process until it is ended.
  func function(in context: RewardContext) throws -> any RewardFunction
}

extension RewardKind {
  package var columns: [String] { [] }
}

extension RewardKind where Self: SampleReward {
  package func function(in context: RewardContext) throws -> any RewardFunction { self }
}

/// What functions may want to know of the training that they judge for.
package struct RewardContext: Sendable, Hashable {
  /// The most tokens that a completion has, the end token among them.
  package var longestCompletion: Int

  package init(longestCompletion: Int) { self.longestCompletion = longestCompletion }
}

/// The kinds of reward functions there are, in the order of the reference page.
package let rewardKinds: [any RewardKind.Type] = [
  AnswerReward.self, RegexReward.self, ThinkReward.self, TagsReward.self, LengthReward.self, OverlongReward.self,
  CosineReward.self, RepetitionReward.self, ExecReward.self,
]
