import Diagnostics

/// No template of a model is for a conversation: there is none at all, or none named `default`.
package struct ChatTemplateChoiceError: Error, Sendable, Hashable {
  /// The names of the templates that there are, in order.
  package var names: [String]

  package init(names: [String]) { self.names = names }
}

extension ChatTemplateChoiceError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [Diagnostic(code: "no-template", summary, reason: reason, advice: advice)]
  }

  package var summary: String {
    names.isEmpty
      ? "The tokenizer has no chat template" : "None of the tokenizer's chat templates is named `default`"
  }

  package var reason: String {
    names.isEmpty
      ? "nothing says how a conversation becomes a text"
      : "there are [\(names.map { "`\($0)`" }.joined(separator: ", "))], and the conversation names none of them"
  }

  package var advice: String {
    "put a `chat_template.jinja` beside the tokenizer's files, or name a Jinja file where a `template` can be named"
  }
}
