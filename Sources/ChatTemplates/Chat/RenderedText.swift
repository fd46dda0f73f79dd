/// A rendered conversation, with notes on where its characters come from.
package struct RenderedText: Sendable {
  /// A stretch of the text that came from a field of a message.
  package struct Span: Sendable, Hashable {
    /// In scalars of the text.
    package var range: Range<Int>
    /// The index of the message.
    package var message: Int
    /// The path inside the message, such as `content`, `content[0].text` or `tool_calls[0].function.name`.
    package var field: String
    /// Where in the field the stretch starts, in scalars; nil when the characters were changed on the way.
    package var offset: Int?
  }

  package var text: String
  package var spans: [Span]
  /// What `{% generation %}` blocks rendered, in scalars of the text.
  package var generated: [Range<Int>]
}
