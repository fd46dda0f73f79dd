import ChatTemplates
import Diagnostics
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

extension TemplateClock {
  /// The start of a day as a field gives it.
  ///
  /// - Throws: `Diagnostic` in the words of ``Inference/Conflict/noDate(_:_:)``.
  package init(written date: String) throws {
    guard let day = TemplateClock(date: date) else {
      let conflict = Inference.Conflict.noDate("date", date)
      throw Diagnostic(code: "no-date", conflict.summary, reason: conflict.reason, advice: conflict.advice)
    }
    self = day
  }
}

extension Inference.Conflict {
  /// What a field gives is no day.
  static func noDate(_ field: String, _ date: String) -> Self {
    Self(port: field, "`\(date)` is not a day", reason: nil, advice: "write it as `2024-07-26`")
  }

  /// The tokenizer at `port` has no chat template: in the words of the error that a run would end in.
  static func noTemplate(_ port: String) -> Self {
    let error = ChatTemplateChoiceError(names: [])
    return Self(port: port, error.summary, reason: error.reason, advice: error.advice)
  }
}
