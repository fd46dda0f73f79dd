import PreciseJSON

/// The added tokens of a tokenizer as its files are put together, with the ids that HF gives them.
///
/// HF takes no id from a side file: a token has the id that the vocabulary gives it, else the next free one.
struct AddedTokenTable {
  private let vocabulary: Vocabulary
  private(set) var tokens: [AddedToken]
  /// Where each token stands, by the bytes of its text; some models have thousands of them.
  private var places: [[UInt8]: Int]
  private var nextID: Int32

  /// - Parameter tokens: Those of `tokenizer.json`.
  init(_ vocabulary: Vocabulary, _ tokens: [AddedToken]) {
    self.vocabulary = vocabulary
    self.tokens = tokens
    places = Dictionary(tokens.enumerated().map { (Array($1.content.utf8), $0) }) { first, _ in first }
    nextID = max(Int32(vocabulary.tokenCount), (tokens.map(\.id).max() ?? -1) + 1)
  }

  func token(_ content: String) -> AddedToken? { places[Array(content.utf8)].map { tokens[$0] } }

  /// Makes a text a token of its own, or gives such a token other flags; once special it stays so.
  mutating func add(_ token: AddedToken) {
    let text = Array(token.content.utf8)
    if let index = places[text] {
      var token = token
      token.id = tokens[index].id
      token.isSpecial = token.isSpecial || tokens[index].isSpecial
      tokens[index] = token
    } else if !token.content.isEmpty {
      var token = token
      token.id = vocabulary.id(of: text) ?? nextID
      nextID = max(nextID, token.id + 1)
      places[text] = tokens.count
      tokens.append(token)
    }
  }

  /// Whether the token is there with the same flags, whatever its id.
  private func isThere(_ token: AddedToken) -> Bool {
    guard var found = self.token(token.content) else { return false }
    found.id = token.id
    return found == token
  }

  /// Adds what the files beside `tokenizer.json` name, in transformers' order.
  ///
  /// - Throws: ``TokenizerError`` when a file gives a token another id than it gets.
  mutating func add(_ settings: TokenizerSettings) throws {
    let names = settings.named.map(\.token.content)
    for (declared, reader) in settings.declared {
      var token = declared
      let id = token.id
      if !isThere(token) {
        if names.contains(where: { $0.hasSameBytes(as: token.content) }) { token.isSpecial = true }
        add(token)
      }
      guard let found = self.token(token.content), found.id != id else { continue }
      let taken =
        tokens.first { $0.id == id }?.content
        ?? vocabulary.bytes(of: id).map { String(decoding: $0, as: UTF8.self) }
      if let taken { throw reader.error(.duplicateID(Int(id), first: taken, second: token.content)) }
      throw reader.error(.otherID(token.content, written: Int(id), given: Int(found.id)))
    }
    for named in settings.named.map(\.token) where token(named.content) == nil {
      var named = named
      named.isSpecial = true
      add(named)
    }
    for extra in settings.extra where token(extra.content) == nil { add(extra) }
  }

  /// The special tokens that the files name, with the ids they got.
  func specialTokens(_ settings: TokenizerSettings) -> SpecialTokens {
    func found(_ name: String) -> SpecialTokens.Token? {
      settings.token(name).flatMap { token($0.content) }.map { SpecialTokens.Token(id: $0.id, text: $0.content) }
    }
    return SpecialTokens(
      bos: found("bos_token"), eos: found("eos_token"), pad: found("pad_token"), unknown: found("unk_token"))
  }
}
