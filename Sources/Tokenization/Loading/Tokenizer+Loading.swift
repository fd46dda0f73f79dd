import PreciseJSON
import TensorFiles

extension Tokenizer {
  /// Loads from a folder with `tokenizer.json`, with GPT-2's own files or with one `.gguf` file, or from a file.
  ///
  /// - Throws: ``TokenizerError`` when the tokenizer is malformed or of a kind that is not read, `JSONError`,
  ///   `FileError` or `TensorFileError` when a file is.
  package static func load(path: String) throws -> Tokenizer { try load(files(at: path)) }

  /// Loads from a folder; see ``load(path:)``.
  package static func load(folder: String) throws -> Tokenizer { try load(path: folder) }

  /// Loads from a `.gguf` file, or from a `tokenizer.json` and the settings beside it; see ``files(at:)``.
  package static func load(file: String) throws -> Tokenizer { try load(path: file) }

  /// Loads from the files that ``files(at:)`` gives, and opens no other.
  package static func load(_ files: FileSet) throws -> Tokenizer {
    if let json = files["tokenizer.json"] { return try load(json: json, files) }
    for (vocabulary, merges) in gpt2Files {
      guard let vocabulary = files[vocabulary], let merges = files[merges] else { continue }
      return try load(gpt2Vocabulary: vocabulary, merges: merges, files)
    }
    guard let model = files[ggufFile] else {
      throw TokenizerError(.noTokenizer(expected: ["tokenizer.json"]), file: files.origin)
    }
    return try load(gguf: GGUFFile(path: model))
  }

  private static func load(json path: String, _ files: FileSet) throws -> Tokenizer {
    let parts = try TokenizerJSON(path: path)
    return try Tokenizer(parts, settings: TokenizerSettings(files), source: .files(files))
  }

  private init(_ parts: TokenizerJSON, settings: TokenizerSettings, source: TokenizerSource) throws {
    var table = AddedTokenTable(parts.model.vocabulary, parts.addedTokens)
    try table.add(settings)
    let pipeline = try TokenizerPipeline(
      model: parts.model, addedTokens: table.tokens, normalizer: parts.normalizer, preTokenizer: parts.preTokenizer,
      postProcessor: parts.postProcessor, decoder: parts.decoder)
    self.init(
      pipeline, table.specialTokens(settings), endIDs: settings.endIDs.compactMap { Int32(exactly: $0) },
      chatTemplates: settings.chatTemplates, source: source)
  }

  init(
    _ pipeline: TokenizerPipeline, _ specials: SpecialTokens, endIDs: [Int32], chatTemplates: ChatTemplateSources,
    source: TokenizerSource
  ) {
    self.pipeline = pipeline
    specialTokens = specials
    endOfTurnIDs = Self.ends(listed: endIDs, specials, pipeline)
    self.chatTemplates = chatTemplates
    self.source = source
  }

  /// The ids that end a turn, in rising order: those that a file lists, the end of sequence, and known marks.
  static func ends(listed: [Int32], _ specials: SpecialTokens, _ pipeline: TokenizerPipeline) -> [Int32] {
    var ends = Set(listed)
    if let eos = specials.eos { ends.insert(eos.id) }
    for name in endOfTurnNames {
      if let id = pipeline.addedTokens.first(where: { $0.content == name })?.id
        ?? pipeline.model.vocabulary.id(of: name)
      {
        ends.insert(id)
      }
    }
    return ends.sorted()
  }

  /// Marks by which the chat formats in use end a turn.
  private static let endOfTurnNames = ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|eot|>"]

  /// Loads GPT-2's own files.
  private static func load(gpt2Vocabulary: String, merges: String, _ files: FileSet) throws -> Tokenizer {
    let vocabulary = try MappedFile(path: gpt2Vocabulary).withBytes { bytes in
      if !UTF8Text.isValid(bytes.bindMemory(to: UInt8.self)) { _ = try JSONReader.read(bytes, file: gpt2Vocabulary) }
      var scanner = JSONScanner(bytes, 0..<bytes.count)
      return try VocabularyReader(bytes: bytes, file: gpt2Vocabulary).vocabulary(&scanner, path: "")
    }
    let table = try MappedFile(path: merges).withBytes { try mergeTable($0, file: merges, vocabulary) }
    let settings = try TokenizerSettings(files)
    let kind = try GPT2Class(settings)
    var added = AddedTokenTable(vocabulary, [])
    try added.add(settings)
    let specials = kind.specialTokens(&added, settings, vocabulary)
    let pipeline = try TokenizerPipeline(
      model: BytePairModel(vocabulary: vocabulary, merges: table), addedTokens: added.tokens,
      normalizer: kind.normalizer, preTokenizer: kind.preTokenizer,
      postProcessor: PostProcessor(
        before: kind.addsBOS ? [specials.bos].compactMap { $0?.id } : [],
        after: kind.addsEOS ? [specials.eos].compactMap { $0?.id } : []),
      decoder: .byteLevel)
    return Tokenizer(
      pipeline, specials, endIDs: settings.endIDs.compactMap { Int32(exactly: $0) },
      chatTemplates: settings.chatTemplates, source: .files(files))
  }

  /// Reads merges as lines; the first may be `#version: …`.
  private static func mergeTable(
    _ bytes: UnsafeRawBufferPointer, file: String, _ vocabulary: Vocabulary
  ) throws -> MergeTable {
    var list = MergeList(vocabulary, expected: bytes.count / 8)
    var offset = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      defer { offset += line.count + 1 }
      if line.isEmpty || (offset == 0 && line.starts(with: Array("#version".utf8))) { continue }
      let text = UnsafeRawBufferPointer(rebasing: line.last == 0x0D ? line.dropLast() : line)
        .bindMemory(to: UInt8.self)
      guard let sides = MergeList.sides(of: text) else {
        throw TokenizerError(.invalidMerge(String(decoding: text, as: UTF8.self)), file: file, byteOffset: offset)
      }
      do throws(MergeList.UnknownToken) { try list.append(sides.left, sides.right) } catch {
        throw TokenizerError(.unknownToken(error.token), file: file, byteOffset: offset)
      }
    }
    return MergeTable(list.merges)
  }
}
