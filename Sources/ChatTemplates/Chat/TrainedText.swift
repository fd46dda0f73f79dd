/// A rendered conversation with what is trained of it, and what of the conversation is in it.
package struct TrainedText: Sendable {
  /// Alternating trained and untrained pieces; their texts make up the whole.
  package var pieces: [TextPiece]
  /// How much of each message and tool arrived.
  package var arrivals: [Arrival]
  /// Whether the end mark of an answer stands only before the next question: those that do are trained there, and the
  /// last answer has none.
  package var marksBeforeNext: Bool
}
