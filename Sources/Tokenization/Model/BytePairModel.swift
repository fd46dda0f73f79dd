/// A vocabulary and its merges: what turns one piece of text into ids.
///
/// Byte-pair encoding as by Sennrich, Haddow and Birch 2016.
struct BytePairModel: Sendable {
  /// How the first symbols of a piece are found.
  struct Symbols: Sendable {
    /// Byte mode: the id of every byte through GPT-2's alphabet, -1 without one; nil in scalar mode.
    var byteIDs: [Int32]?
    /// Scalar mode: ids of `<0x00>`…`<0xFF>`, -1 without one, for scalars that the vocabulary lacks.
    var fallbackIDs: [Int32]?
    /// The id for what nothing else covers.
    var unknownID: Int32?
    /// Whether a run of unknown scalars is one token.
    var fusesUnknown = false
  }

  var vocabulary: Vocabulary
  let merges: MergeTable
  var symbols = Symbols() {
    didSet { bytes = symbols.byteIDs.flatMap { ByteSymbols($0, merges) } }
  }
  /// Byte mode where every byte has an id.
  private(set) var bytes: ByteSymbols?
  /// Whether a piece that is a token as a whole is that token, whatever the merges say.
  var ignoresMerges = false

  /// Gives the ids of single bytes through GPT-2's alphabet.
  static func byteIDs(in vocabulary: Vocabulary) -> [Int32] {
    (0..<256).map { vocabulary.id(of: ByteLevelAlphabet.text(of: [UInt8($0)])) ?? -1 }
  }

  /// Gives the ids of `<0x00>` to `<0xFF>`.
  static func fallbackIDs(in vocabulary: Vocabulary) -> [Int32] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return vocabulary.id(of: "<0x" + (byte < 16 ? "0" : "") + digits + ">") ?? -1
    }
  }
}
