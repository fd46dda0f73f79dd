import ChatTemplates
import Pipeline
import Tokenization

extension ChatTemplateSet {
  /// The templates that the tokenizer brings.
  ///
  /// - Throws: ``ChatTemplateChoiceError`` when it brings none, ``TemplateError``.
  package init(_ tokenizer: Tokenizer) throws {
    let entries = tokenizer.chatTemplates.entries
    if entries.isEmpty { throw ChatTemplateChoiceError(names: []) }
    try self.init(entries.map { ($0.name, $0.source) })
  }
}

extension Inference.Conflict {
  /// The tokenizer at `port` has no chat template: in the words of the error that a run would end in.
  static func noTemplate(_ port: String) -> Self {
    let error = ChatTemplateChoiceError(names: [])
    return Self(port: port, error.summary, reason: error.reason, advice: error.advice)
  }
}
