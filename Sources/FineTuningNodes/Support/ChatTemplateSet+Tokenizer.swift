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

  /// What keeps the chat templates of the tokenizer at `port` from being used, in the words of the error that a run would
  /// end in; nil when nothing does, as far as its facets tell.
  ///
  /// - Parameter needsDefault: Whether conversations without tools come, which only a template named `default` lays out.
  static func templates(_ port: String, of tokenizer: ArtefactType, needsDefault: Bool) -> Self? {
    guard tokenizer[FacetName.tokenizer] != nil else { return nil }
    if let fault = tokenizer[FacetName.templateFault]?.text {
      return Self(
        port: port, "A chat template of the tokenizer cannot be used", reason: fault,
        advice: "mend that file, or name a Jinja file where a `template` can be named")
    }
    let names = needsDefault ? tokenizer[FacetName.templateNames]?.text : nil
    guard names != nil || tokenizer[FacetName.template] == nil else { return nil }
    let error = ChatTemplateChoiceError(names: names?.split(separator: ",").map(String.init) ?? [])
    return Self(port: port, error.summary, reason: error.reason, advice: error.advice)
  }
}
