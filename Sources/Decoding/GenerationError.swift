import Diagnostics

/// What can be wrong with a request to generate; worded below.
package enum GenerationError: Error, Sendable, Hashable {
  case emptyPrompt
  /// The prompt leaves no room for an answer.
  case promptTooLong(tokens: Int, limit: Int)
}

extension GenerationError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .emptyPrompt: [Diagnostic(code: "empty-prompt", "The prompt has no tokens, there is nothing to continue")]
    case .promptTooLong(let tokens, let limit):
      [
        Diagnostic(
          code: "prompt-too-long", "The prompt has \(tokens) tokens",
          reason: "the model reads at most \(limit), the answer included", advice: "shorten the prompt")
      ]
    }
  }
}
