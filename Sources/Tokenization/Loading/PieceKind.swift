/// What a vocabulary says a piece is, by the numbers that GGUF files and SentencePiece's `tokenizer.model` share.
enum PieceKind: Int, Sendable {
  case normal = 1
  case unknown = 2
  /// A token that means something to the model, such as the end of a turn.
  case control = 3
  /// A text that is one token wherever it stands.
  case userDefined = 4
  case unused = 5
  /// A single byte, written `<0x0A>`.
  case byte = 6
}
