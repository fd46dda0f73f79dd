import Diagnostics
import Tokenization
import Training

/// Whether a regular expression matches.
package struct RegexReward: RewardKind, Hashable {
  package static let name = "regex"
  package static let doc = "looks for a regular expression (PCRE2's, as in Perl)"

  package var pattern = ""
  package var whole = false
  package var dotall = false
  package var right = 1.0
  package var wrong = 0.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .text("pattern", \.pattern, doc: "The expression"),
    .flag("whole", \.whole, doc: "Must match the whole completion, not some of it"),
    .flag("dotall", \.dotall, doc: "The dot matches ends of lines too"),
    .number("right", \.right, .any, doc: "The reward where it matches"),
    .number("wrong", \.wrong, .any, doc: "The reward where it does not"),
  ]

  package var problem: String? {
    if pattern.isEmpty { return "`pattern` is missing; say what to look for" }
    do throws(RewardError) { _ = try expression() } catch { return error.diagnostics[0].summary }
    return nil
  }

  package func function(in context: RewardContext) throws -> any RewardFunction {
    ExpressionReward(self, try expression())
  }

  private func expression() throws(RewardError) -> TextExpression {
    do throws(TextExpression.Refusal) {
      return try TextExpression(pattern, whole: whole, dotMatchesLineFeeds: dotall)
    } catch { throw .pattern(pattern, reason: error.reason) }
  }
}

private final class ExpressionReward: SampleReward {
  private let settings: RegexReward
  private let expression: TextExpression
  private(set) var timeouts = 0

  init(_ settings: RegexReward, _ expression: TextExpression) {
    self.settings = settings
    self.expression = expression
  }

  func reward(of sample: RewardSample) -> Double? {
    switch expression.verdict(on: sample.completion) {
    case .matches: return settings.right
    case .differs: return settings.wrong
    case .givenUp:
      timeouts += 1
      return nil
    }
  }
}
