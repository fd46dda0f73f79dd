import Diagnostics

/// Why it cannot be told which part of a rendered conversation an assistant message is.
package struct AssistantSpanError: Error, Sendable, Hashable {
  package enum Problem: Sendable, Hashable {
    /// The template leaves the message out, so there is nothing to train.
    case missing
    /// What the template renders up to the message is not how the whole conversation starts: both texts around the
    /// first difference, the former nil when the template refuses the conversation up to the message.
    case notAPrefix(expected: String?, found: String)
    /// The template writes the system text where this message is to be answered, and elsewhere or nowhere in the whole
    /// conversation.
    case systemMoves
    /// Something of other messages stands between the beginning of this one and its end.
    case interrupted
    /// Nothing of a stretch of its content that has a weight, by its first character and the one behind it, is in the text.
    case spanLost(Int, Int)
  }

  package var template: String
  /// The index of the message.
  package var message: Int
  package var problem: Problem
}

extension AssistantSpanError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch problem {
    case .missing:
      [
        Diagnostic(
          code: "template-drops-answer", "The chat template `\(template)` does not render message \(message + 1)",
          reason: "nothing of this assistant message is in the rendered conversation, so it cannot be trained",
          advice: "leave the message out, or use a template that renders it")
      ]
    case .systemMoves:
      [
        Diagnostic(
          code: "template-moves-system",
          "The chat template `\(template)` moves the system text once more messages follow",
          reason: "the model would answer message \(message + 1) with it, and learn that answer without it",
          advice: "use a template that keeps the system text in its place, or write it into the first question")
      ]
    case .interrupted:
      [
        Diagnostic(
          code: "template-parts-answer",
          "The chat template `\(template)` writes other messages into the middle of message \(message + 1)",
          reason: "what it says before them and after them is no one answer, and theirs would be learned with it",
          advice: "write what is said beside calls into a message of its own after the results, or use another template"
        )
      ]
    case .spanLost(let start, let end):
      [
        Diagnostic(
          code: "template-drops-span",
          "The characters \(start) to \(end) of message \(message + 1), which have a weight, are not in the text of the chat "
            + "template `\(template)`",
          reason: "the template leaves them out or changes them, so what they become is not known",
          advice: "take the span out, or use a template that prints the content as it is")
      ]
    case .notAPrefix(let expected, let found):
      [
        Diagnostic(
          code: "template-unclear-answer",
          "It is unclear where the answer of message \(message + 1) is in the text of the chat template `\(template)`",
          reason: (expected.map { "the conversation up to it renders as `\($0)`" }
            ?? "the template does not render the conversation up to it by itself")
            + ", and the whole one has `\(found)` there",
          advice: "mark the answer by `{% generation %}` in the template")
      ]
    }
  }
}
