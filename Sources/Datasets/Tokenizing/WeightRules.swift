import ChatTemplates
import Tokenization

/// What the answers of conversations count by what stands in them; the weights of messages and spans multiply it.
package struct WeightRules: Sendable, Hashable {
  /// By the part of an answer.
  package var parts = AnswerWeights()
  /// By expressions that are looked for in what is learned of a conversation, each in one piece of it.
  package var patterns: [(pattern: TextPattern, weight: Double)] = []

  package init() {}

  package static func == (a: WeightRules, b: WeightRules) -> Bool {
    a.parts == b.parts && a.patterns.elementsEqual(b.patterns) { $0.pattern == $1.pattern && $0.weight == $1.weight }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(parts)
    for (pattern, weight) in patterns {
      hasher.combine(pattern)
      hasher.combine(weight)
    }
  }

  /// Gives what is learned the weights of the patterns.
  ///
  /// - Throws: `TokenizerError` where an expression is given up on a text.
  func weigh(_ pieces: inout [TextPiece]) throws {
    for (pattern, weight) in patterns {
      for index in pieces.indices where pieces[index].isTrained {
        for match in try pattern.matches(in: pieces[index].text) { pieces[index].weigh(match, by: weight) }
      }
    }
  }
}
