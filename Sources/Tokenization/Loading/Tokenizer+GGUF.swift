import Diagnostics
import PreciseJSON
import TensorFiles

extension Tokenizer {
  private static let modelKey = "tokenizer.ggml.model"
  private static let preKey = "tokenizer.ggml.pre"

  /// What a GGUF file says a token is.
  private enum TokenType: Int {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  /// Loads the vocabulary inside a GGUF file, as llama.cpp reads it.
  ///
  /// Byte-pair models (`gpt2`) only; a SentencePiece one is refused in words. An unknown `tokenizer.ggml.pre` is an
  /// error, since guessing gives a model other ids than it was trained with.
  package static func load(gguf: GGUFFile) throws -> Tokenizer {
    let metadata = gguf.metadata
    let file = gguf.file.path
    func failed(_ problem: TokenizerError.Problem, _ key: String) -> TokenizerError {
      TokenizerError(problem, file: file, path: key)
    }
    let kind = try metadata.string(modelKey)
    guard kind == "gpt2" else {
      let known = ["llama": "SentencePiece", "t5": "unigram", "bert": "WordPiece", "rwkv": "RWKV"]
      if let name = known[kind] {
        throw failed(
          .unsupported("tokenizer model `\(kind)`", reason: "\(name) vocabularies are not read yet"), modelKey)
      }
      throw failed(.unknownName(kind: "tokenizer model", name: kind, known: ["gpt2"]), modelKey)
    }
    let preName = try metadata[preKey] == nil ? "default" : metadata.string(preKey)
    guard let pre = try GGUFPreTokenizer.named(preName) else {
      throw failed(.unknownName(kind: "pre-tokenizer", name: preName, known: GGUFPreTokenizer.knownNames), preKey)
    }
    let tokens = try metadata.strings("tokenizer.ggml.tokens")
    let vocabulary = try vocabulary(tokens, file: file)
    let merges = try mergeTable(metadata.strings("tokenizer.ggml.merges"), vocabulary, file: file)
    var model = BytePairModel(vocabulary: vocabulary, merges: merges)
    model.ignoresMerges = pre.ignoresMerges

    func special(_ key: String) throws -> SpecialTokens.Token? {
      let key = "tokenizer.ggml.\(key)_token_id"
      guard metadata[key] != nil else { return nil }
      let id = try metadata.int(key)
      guard tokens.indices.contains(id) else { throw failed(.idOutOfRange(String(id), limit: tokens.count - 1), key) }
      return SpecialTokens.Token(id: Int32(id), text: tokens[id])
    }
    let specials = SpecialTokens(
      bos: try special("bos"), eos: try special("eos"), pad: try special("padding"), unknown: try special("unknown"))
    func flag(_ key: String, default fallback: Bool) throws -> Bool {
      guard let value = metadata["tokenizer.ggml.\(key)"] else { return fallback }
      guard let bool = value.bool else {
        throw failed(.wrongType(expected: "a boolean", found: value.kind), "tokenizer.ggml.\(key)")
      }
      return bool
    }
    var post = PostProcessor()
    if try flag("add_bos_token", default: pre.addsBOS), let bos = specials.bos { post.before = [bos.id] }
    if try flag("add_eos_token", default: false), let eos = specials.eos { post.after = [eos.id] }

    let pipeline = try TokenizerPipeline(
      model: model, addedTokens: addedTokens(tokens, metadata, specials, file: file), normalizer: pre.normalizer,
      preTokenizer: pre.steps.count == 1 ? pre.steps[0] : .sequence(pre.steps), postProcessor: post, decoder: .byteLevel
    )
    var ends: [Int32] = []
    for key in ["eot", "eom"] { if let token = try special(key) { ends.append(token.id) } }
    let template = metadata["tokenizer.chat_template"] == nil ? nil : try metadata.string("tokenizer.chat_template")
    return Tokenizer(
      pipeline, specials, endIDs: ends,
      chatTemplates: template.map { ChatTemplateSources($0) } ?? ChatTemplateSources(), source: .gguf(name: file))
  }

  private static func vocabulary(_ tokens: [String], file: String) throws -> Vocabulary {
    let key = "tokenizer.ggml.tokens"
    guard tokens.count < Vocabulary.idLimit else {
      throw TokenizerError(.idOutOfRange(String(tokens.count), limit: Vocabulary.idLimit - 1), file: file, path: key)
    }
    var vocabulary = Vocabulary(expectedTokens: tokens.count, expectedBytes: tokens.count * 8)
    for (id, token) in tokens.enumerated() {
      do throws(Vocabulary.Collision) { try vocabulary.add(token, id: Int32(id)) } catch {
        throw TokenizerError(.duplicateToken(token), file: file, path: "\(key)[\(id)]")
      }
    }
    return vocabulary
  }

  private static func mergeTable(_ lines: [String], _ vocabulary: Vocabulary, file: String) throws -> MergeTable {
    var list = MergeList(vocabulary, expected: lines.count)
    for (rank, line) in lines.enumerated() {
      func failed(_ problem: TokenizerError.Problem) -> TokenizerError {
        TokenizerError(problem, file: file, path: "tokenizer.ggml.merges[\(rank)]")
      }
      var bytes = line
      try bytes.withUTF8 { bytes in
        guard let sides = MergeList.sides(of: bytes) else { throw failed(.invalidMerge(line)) }
        do throws(MergeList.UnknownToken) { try list.append(sides.left, sides.right) } catch {
          throw failed(.unknownToken(error.token))
        }
      }
    }
    return MergeTable(list.merges)
  }

  private static func addedTokens(
    _ tokens: [String], _ metadata: GGUFMetadata, _ specials: SpecialTokens, file: String
  ) throws -> [AddedToken] {
    let key = "tokenizer.ggml.token_type"
    var types = [Int](repeating: TokenType.normal.rawValue, count: tokens.count)
    if metadata[key] != nil { types = try metadata.ints(key) }
    guard types.count == tokens.count else {
      throw TokenizerError(
        .invalidValue("list of \(types.count) types", reason: "there are \(tokens.count) tokens"), file: file, path: key
      )
    }
    // transformers finds the special tokens of its settings in the text, whatever their type says.
    let named = Set([specials.bos, specials.eos, specials.pad, specials.unknown].compactMap { $0?.id })
    var added: [AddedToken] = []
    for (id, value) in types.enumerated() where !tokens[id].isEmpty {
      guard let type = TokenType(rawValue: value) else {
        throw TokenizerError(
          .invalidValue("token type \(value)", reason: "types go from 1 to 6"), file: file, path: "\(key)[\(id)]")
      }
      let isSpecial = type == .control || type == .unknown || named.contains(Int32(id))
      if isSpecial || type == .userDefined {
        added.append(AddedToken(id: Int32(id), content: tokens[id], isSpecial: isSpecial))
      }
    }
    return added
  }
}
