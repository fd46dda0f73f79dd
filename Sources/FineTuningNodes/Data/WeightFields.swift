import ChatTemplates
import Datasets
import Pipeline
import Tokenization

/// What parts of answers count when they are learned.
package struct WeightFields: FieldGroup, Equatable {
  var answers = 1.0
  var thoughts = 1.0
  var toolCalls = 1.0
  var patterns: [String] = []

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("answers", \.answers, in: 0...1_000_000, doc: "What the assistant says"),
    Field("thoughts", \.thoughts, in: 0...1_000_000, doc: "What it thinks before, with the tags around it"),
    Field(
      "tool_calls", \.toolCalls, in: 0...1_000_000,
      doc: "Its calls of tools, with what the template writes around them"),
    Field(
      "patterns", \.patterns,
      doc: "What a regular expression finds in what is learned, such as `(?<=#### ).*=5`; a number behind the last `=`"),
  ]

  /// - Throws: ``WeightRuleError`` for a pattern that cannot be used.
  func rules() throws(WeightRuleError) -> WeightRules { try WeightRules(self) }
}

extension WeightRules {
  /// - Throws: ``WeightRuleError`` for a pattern that cannot be used.
  fileprivate init(_ fields: WeightFields) throws(WeightRuleError) {
    self.init()
    parts.answers = fields.answers
    parts.thoughts = fields.thoughts
    parts.toolCalls = fields.toolCalls
    for entry in fields.patterns { try add(entry) }
  }
}
