import TensorFiles

/// What a GGUF file says of its tokens, whatever their model is.
struct GGUFVocabulary {
  let metadata: GGUFMetadata
  let file: String
  let tokens: [String]
  let kinds: [PieceKind]

  private static let tokensKey = "tokenizer.ggml.tokens"
  private static let kindsKey = "tokenizer.ggml.token_type"

  init(_ gguf: GGUFFile) throws {
    metadata = gguf.metadata
    file = gguf.file.path
    tokens = try metadata.strings(Self.tokensKey)
    kinds = try Self.kinds(metadata, count: tokens.count, file: file)
  }

  private static func kinds(_ metadata: GGUFMetadata, count: Int, file: String) throws -> [PieceKind] {
    guard metadata[kindsKey] != nil else { return [PieceKind](repeating: .normal, count: count) }
    let numbers = try metadata.ints(kindsKey)
    guard numbers.count == count else {
      throw TokenizerError(
        .invalidValue("list of \(numbers.count) types", reason: "there are \(count) tokens"), file: file, path: kindsKey
      )
    }
    return try numbers.enumerated().map { id, number in
      guard let kind = PieceKind(rawValue: number) else {
        throw TokenizerError(
          .invalidValue("token type \(number)", reason: "types go from 1 to 6"), file: file, path: "\(kindsKey)[\(id)]")
      }
      return kind
    }
  }

  func error(_ problem: TokenizerError.Problem, _ key: String) -> TokenizerError {
    TokenizerError(problem, file: file, path: key)
  }

  /// The tokens by text.
  func vocabulary() throws -> Vocabulary {
    guard tokens.count < Vocabulary.idLimit else {
      throw error(.idOutOfRange(String(tokens.count), limit: Vocabulary.idLimit - 1), Self.tokensKey)
    }
    var vocabulary = Vocabulary(expectedTokens: tokens.count, expectedBytes: tokens.count * 8)
    for (id, token) in tokens.enumerated() {
      do throws(Vocabulary.Collision) { try vocabulary.add(token, id: Int32(id)) } catch {
        throw self.error(.duplicateToken(token), "\(Self.tokensKey)[\(id)]")
      }
    }
    return vocabulary
  }

  /// The token whose id stands under `tokenizer.ggml.KEY_token_id`.
  ///
  /// - Parameter fallback: The id where there is no such key.
  func special(_ key: String, default fallback: Int? = nil) throws -> SpecialTokens.Token? {
    let key = "tokenizer.ggml.\(key)_token_id"
    if metadata[key] == nil {
      guard let fallback, tokens.indices.contains(fallback) else { return nil }
      return SpecialTokens.Token(id: Int32(fallback), text: tokens[fallback])
    }
    let id = try metadata.int(key)
    guard tokens.indices.contains(id) else { throw error(.idOutOfRange(String(id), limit: tokens.count - 1), key) }
    return SpecialTokens.Token(id: Int32(id), text: tokens[id])
  }

  /// Whether `tokenizer.ggml.KEY` says so.
  func flag(_ key: String, default fallback: Bool) throws -> Bool {
    let key = "tokenizer.ggml.\(key)"
    guard let value = metadata[key] else { return fallback }
    guard let bool = value.bool else { throw error(.wrongType(expected: "a boolean", found: value.kind), key) }
    return bool
  }

  /// What goes around a text.
  func postProcessor(_ specials: SpecialTokens, addsBOS: Bool) throws -> PostProcessor {
    var post = PostProcessor()
    if try flag("add_bos_token", default: addsBOS), let bos = specials.bos { post.before = [bos.id] }
    if try flag("add_eos_token", default: false), let eos = specials.eos { post.after = [eos.id] }
    return post
  }

  /// The tokens that are found in the text before anything is cut.
  func addedTokens(_ specials: SpecialTokens) -> [AddedToken] {
    // transformers finds the special tokens of its settings in the text, whatever their type says.
    let named = Set([specials.bos, specials.eos, specials.pad, specials.unknown].compactMap { $0?.id })
    return kinds.indices.compactMap { id in
      let isSpecial = kinds[id] == .control || kinds[id] == .unknown || named.contains(Int32(id))
      guard isSpecial || kinds[id] == .userDefined, !tokens[id].isEmpty else { return nil }
      return AddedToken(id: Int32(id), content: tokens[id], isSpecial: isSpecial)
    }
  }

  /// The tokenizer of a pipeline, with what the file says of turns and templates.
  func tokenizer(_ pipeline: TokenizerPipeline, _ specials: SpecialTokens) throws -> Tokenizer {
    let ends = try ["eot", "eom"].compactMap { try special($0)?.id }
    let key = "tokenizer.chat_template"
    let templates = metadata[key] == nil ? ChatTemplateSources() : ChatTemplateSources(try metadata.string(key))
    return Tokenizer(pipeline, specials, endIDs: ends, chatTemplates: templates, source: .gguf(name: file))
  }
}
