/// What stands before a stretch of text, as far as it decides the ids of the stretch.
///
/// Many tokenizers put a space before a text or before each section of it (a section goes from one added token to the
/// next), and some added tokens take the white space behind them. A text that is encoded piece by piece gets the same as
/// the whole one when every piece knows what the pieces before it ended in.
package struct TextContext: Sendable, Hashable {
  /// Where a text stands between added tokens.
  struct Position: Sendable, Hashable {
    /// Whether nothing stands between here and the added token before, or the start.
    var isFresh = true
    /// Whether the added token right before takes white space.
    var takesWhitespace = false
    /// The scalar right before.
    var last: UInt32?
  }

  /// Whether nothing has come yet, not even an added token.
  var isStart = true
  /// Among the added tokens that are found in the original text.
  var original = Position()
  /// Among those that are found in the normalised text of a section.
  var normalized = Position()
  /// Whether the section has no text yet.
  var isSectionEmpty = true

  /// The start of a text.
  package init() {}
}
