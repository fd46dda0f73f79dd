import Training

/// Whether the answer is the right one.
package struct AnswerReward: ChecksAnswer, SampleReward, Hashable {
  package static let name = "answer"
  package static let doc = "compares the answer with a column of the row; numbers by their digits, exactly"

  /// What a completion without an answer gets.
  package enum Unanswered: String, CaseIterable, Sendable {
    case wrong
    case none
  }

  package var check = AnswerCheck()
  package var right = 1.0
  package var wrong = 0.0
  package var unanswered = Unanswered.wrong

  package init() {}

  package static let settings: [Setting<Self>] =
    checkSettings + [
      .number("right", \.right, .any, doc: "The reward of the right answer"),
      .number("wrong", \.wrong, .any, doc: "The reward of another"),
      .choice("unanswered", \.unanswered, doc: "What a completion without an answer gets: `wrong`'s reward, or none"),
    ]

  package func reward(of sample: RewardSample) throws -> Double? {
    switch try check.verdict(on: sample) {
    case .right: right
    case .wrong: wrong
    case .noAnswer: unanswered == .wrong ? wrong : nil
    case .unknown: nil
    }
  }
}
