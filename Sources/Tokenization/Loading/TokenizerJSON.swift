import PreciseJSON
import TensorFiles

/// A `tokenizer.json` as parts: the model read fast, the rest as JSON.
struct TokenizerJSON {
  let model: BytePairModel
  let addedTokens: [AddedToken]
  let normalizer: Normalizer?
  let preTokenizer: PreTokenizer?
  let postProcessor: PostProcessor
  let decoder: TokenDecoder?

  private static let modelNames = ["BPE"]

  /// Reads the file.
  ///
  /// `truncation` and `padding` are not looked at: they belong to a call of HF's library, and transformers resets them.
  /// Cost: one pass over the bytes, about 40 ms for 150,000 tokens and as many merges.
  init(path: String) throws {
    self = try MappedFile(path: path).withBytes { bytes in
      if let kind = ForeignTokenizer(bytes) { throw TokenizerError(.foreign(kind), file: path) }
      return try TokenizerJSON(bytes, path: path)
    }
  }

  private init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
    // The fast scan does not look at UTF-8; the reader says where it is broken.
    if !UTF8Text.isValid(bytes.bindMemory(to: UInt8.self)) { _ = try JSONReader.read(bytes, file: path) }
    let members: [(key: String, value: Range<Int>)]
    var models: [ModelMembers] = []
    do {
      var scanner = JSONScanner(bytes, 0..<bytes.count)
      members = try scanner.members { key, scanner in
        guard key == "model" else { return false }
        models.append(try ModelMembers(&scanner, VocabularyReader(bytes: bytes, file: path)))
        return true
      }
      scanner.skipSpace()
      if scanner.index < bytes.count { throw JSONScanner.Stopped() }
    } catch is JSONScanner.Stopped {
      let json = try JSONReader.read(bytes, file: path)
      let model = json["model"].map { ($0.kind, "model") } ?? (json.kind, nil)
      throw TokenizerError(.wrongType(expected: "an object", found: model.0), file: path, path: model.1)
    }
    if models.count > 1 { _ = try JSONReader.read(bytes, file: path) }
    guard let first = models.first else {
      throw TokenizerError(.missing(expected: "a model"), file: path, path: "model")
    }
    let root = try Self.object(members, bytes, path: "", file: path)
    model = try Self.model(first, bytes, file: path)
    addedTokens = try Self.addedTokens(root, model.vocabulary)
    normalizer = try root.member("normalizer").map(Normalizer.init)
    preTokenizer = try root.member("pre_tokenizer").map(PreTokenizer.init)
    postProcessor = try root.member("post_processor").map({ try PostProcessor($0) }) ?? PostProcessor()
    decoder = try root.member("decoder").map(TokenDecoder.init)
  }

  /// The members of an object as JSON, without the large ones.
  private static func object(
    _ members: [(key: String, value: Range<Int>)], _ bytes: UnsafeRawBufferPointer, path: String, file: String
  ) throws -> ComponentReader {
    var object: [(key: String, value: JSON)] = []
    for member in members {
      // The reader of the whole says where a doubled key stands.
      if object.contains(where: { $0.key == member.key }) { _ = try JSONReader.read(bytes, file: file) }
      let line = bytes[..<member.value.lowerBound].count { $0 == 0x0A } + 1
      let slice = UnsafeRawBufferPointer(rebasing: bytes[member.value])
      object.append((member.key, try JSONReader.read(slice, file: file, origin: (member.value.lowerBound, line))))
    }
    return ComponentReader(value: JSON(object), path: path, file: file)
  }

  /// The members of a model: the large ones as values when they stand in the order in which HF writes them.
  private struct ModelMembers {
    private(set) var others: [(key: String, value: Range<Int>)] = []
    private(set) var vocabulary: Vocabulary?
    private(set) var merges: MergeTable?

    init(_ scanner: inout JSONScanner, _ reader: VocabularyReader) throws {
      var isBytePair = false
      var vocabulary: Vocabulary?
      var merges: MergeTable?
      others = try scanner.members { key, scanner in
        switch key {
        case "type":
          var copy = scanner
          isBytePair = (try? copy.string(UnescapedText()).elementsEqual("BPE".utf8)) ?? false
        case "vocab" where isBytePair && vocabulary == nil:
          vocabulary = try reader.vocabulary(&scanner, path: vocabularyPath)
          return true
        case "merges" where merges == nil:
          guard let vocabulary else { break }
          merges = try reader.merges(&scanner, path: mergesPath, vocabulary)
          return true
        default: break
        }
        return false
      }
      (self.vocabulary, self.merges) = (vocabulary, merges)
    }
  }

  private static let vocabularyPath = "model.vocab"
  private static let mergesPath = "model.merges"

  private static func model(
    _ members: ModelMembers, _ bytes: UnsafeRawBufferPointer, file: String
  ) throws -> BytePairModel {
    let small = members.others.filter { $0.key != "vocab" && $0.key != "merges" }
    let reader = try object(small, bytes, path: "model", file: file)
    // Old files leave the type out.
    if reader.member("type") != nil { _ = try reader.type("model", known: modelNames) }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let member = reader.member(key), try !member.string().isEmpty {
        throw member.error(.unsupported("`\(key)`", reason: "only byte-pair models without it are read"))
      }
    }
    if let dropout = reader.member("dropout"), dropout.value.double ?? 1 != 0 {
      throw dropout.error(.unsupported("`dropout`", reason: "it makes encoding random"))
    }
    let vocabularyReader = VocabularyReader(bytes: bytes, file: file)
    func scanner(_ key: String) -> JSONScanner? {
      members.others.first { $0.key == key }.map { JSONScanner(bytes, $0.value) }
    }
    let vocabulary: Vocabulary
    if let known = members.vocabulary {
      vocabulary = known
    } else if var scanner = scanner("vocab") {
      vocabulary = try vocabularyReader.vocabulary(&scanner, path: vocabularyPath)
    } else {
      throw TokenizerError(.missing(expected: "a vocabulary"), file: file, path: vocabularyPath)
    }
    let merges: MergeTable
    if let known = members.merges {
      merges = known
    } else if var scanner = scanner("merges") {
      merges = try vocabularyReader.merges(&scanner, path: mergesPath, vocabulary)
    } else {
      throw TokenizerError(.missing(expected: "a list of merges"), file: file, path: mergesPath)
    }
    var model = BytePairModel(vocabulary: vocabulary, merges: merges)
    model.ignoresMerges = try reader.bool("ignore_merges", default: false)
    model.symbols.fusesUnknown = try reader.bool("fuse_unk", default: false)
    if try reader.bool("byte_fallback", default: false) {
      model.symbols.fallbackIDs = BytePairModel.fallbackIDs(in: vocabulary)
    }
    if let unknown = reader.member("unk_token") {
      let token = try unknown.string()
      guard let id = vocabulary.id(of: token) else { throw unknown.error(.unknownToken(token)) }
      model.symbols.unknownID = id
    }
    return model
  }

  private static func addedTokens(_ root: ComponentReader, _ vocabulary: Vocabulary) throws -> [AddedToken] {
    var tokens: [AddedToken] = []
    var textByID: [Int32: String] = [:]
    var seen: Set<[UInt8]> = []
    for reader in try root.member("added_tokens")?.list() ?? [] {
      let idReader = try reader.required("id", "a token id")
      let number = Int(try idReader.tokenID())
      let token = try AddedToken(reader, id: Int32(number))
      // HF passes over empty ones too.
      if token.content.isEmpty { continue }
      guard seen.insert(Array(token.content.utf8)).inserted else {
        throw reader.error(.duplicateToken(token.content))
      }
      let inVocabulary = vocabulary.bytes(of: token.id).map { String(decoding: $0, as: UTF8.self) }
      if let other = textByID[token.id] ?? inVocabulary, !other.hasSameBytes(as: token.content) {
        throw idReader.error(.duplicateID(number, first: other, second: token.content))
      }
      if let id = vocabulary.id(of: token.content), id != token.id {
        throw idReader.error(
          .invalidValue("id \(number) of `\(token.content)`", reason: "the vocabulary gives this token the id \(id)"))
      }
      textByID[token.id] = token.content
      tokens.append(token)
    }
    return tokens
  }
}
