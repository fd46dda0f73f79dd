import Glibc
import Training

/// A reward of right answers that falls with the length, and of wrong ones that rises with it.
package struct CosineReward: ChecksAnswer, Hashable {
  package static let name = "cosine"
  package static let doc =
    "as `answer`, by length (arXiv:2502.03373): short right answers get more than long ones, short wrong ones less"

  package var check = AnswerCheck()
  package var longest: Int?
  package var right = [0.5, 1.0]
  package var wrong = [-1.0, -0.5]

  package init() {}

  package static let settings: [Setting<Self>] =
    checkSettings + [
      .count(
        "longest", \.longest, .atLeast(1), unit: "tokens",
        doc: "The length at the end of the curve; what the stage lets a completion have unless given"),
      .numbers("right", \.right, .any, count: 2, doc: "The rewards of a right answer, of the longest and of none"),
      .numbers("wrong", \.wrong, .any, count: 2, doc: "The rewards of a wrong answer, of none and of the longest"),
    ]

  package func function(in context: RewardContext) throws -> any RewardFunction {
    Curve(settings: self, longest: longest ?? context.longestCompletion)
  }

  private struct Curve: SampleReward {
    let settings: CosineReward
    let longest: Int

    func reward(of sample: RewardSample) throws -> Double? {
      let (short, long): (Double, Double)
      switch try settings.check.verdict(on: sample) {
      case .right: (short, long) = (settings.right[1], settings.right[0])
      case .wrong, .noAnswer: (short, long) = (settings.wrong[0], settings.wrong[1])
      case .unknown: return nil
      }
      let place = Double(min(sample.ids.count, longest)) / Double(longest)
      return long + 0.5 * (short - long) * (1 + cos(place * .pi))
    }
  }
}
