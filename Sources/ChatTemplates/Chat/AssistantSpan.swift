/// What the assistant writes in one of its messages, as a stretch of a rendered conversation.
package struct AssistantSpan: Sendable, Hashable {
  /// How the stretch was found.
  package enum Method: String, Sendable {
    /// The template marks it by `{% generation %}`.
    case generationBlock
    /// The text up to the message with the generation prompt is a prefix of the text with the message, and that one of
    /// the whole: the stretch is exactly what the model has to write at that point.
    case prefix
    /// Found by where the characters come from, because the template renders a message differently once others follow.
    case provenance
  }

  /// The index of the message; nil for a generation block outside of any message.
  package var message: Int?
  /// In scalars of the rendered text.
  package var range: Range<Int>
  package var method: Method
}
