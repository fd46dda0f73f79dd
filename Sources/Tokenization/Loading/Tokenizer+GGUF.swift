import TensorFiles

extension Tokenizer {
  private static let modelKey = "tokenizer.ggml.model"
  private static let preKey = "tokenizer.ggml.pre"
  private static let mergesKey = "tokenizer.ggml.merges"
  private static let scoresKey = "tokenizer.ggml.scores"

  /// Loads the vocabulary inside a GGUF file, as llama.cpp reads it.
  ///
  /// Byte-pair models (`gpt2`) and SentencePiece models that merge pairs (`llama`); others are refused in words. An
  /// unknown `tokenizer.ggml.pre` is an error, since guessing gives a model other ids than it was trained with.
  package static func load(gguf: GGUFFile) throws -> Tokenizer {
    let kind = try gguf.metadata.string(modelKey)
    switch kind {
    case "gpt2": return try bytePair(GGUFVocabulary(gguf))
    case "llama": return try sentencePiece(GGUFVocabulary(gguf))
    default:
      let others = ["t5": "unigram", "bert": "WordPiece", "rwkv": "RWKV", "plamo2": "PLaMo-2"]
      throw TokenizerError(
        others[kind].map {
          .unsupported("tokenizer model `\(kind)`", reason: "\($0) vocabularies are not read yet")
        } ?? .unknownName(kind: "tokenizer model", name: kind, known: ["gpt2", "llama"]),
        file: gguf.file.path, path: modelKey)
    }
  }

  private static func bytePair(_ file: GGUFVocabulary) throws -> Tokenizer {
    let preName = try file.metadata[preKey] == nil ? "default" : file.metadata.string(preKey)
    guard let pre = try GGUFPreTokenizer.named(preName) else {
      throw file.error(
        .unknownName(kind: "pre-tokenizer", name: preName, known: GGUFPreTokenizer.knownNames), preKey)
    }
    let vocabulary = try file.vocabulary()
    var model = BytePairModel(vocabulary: vocabulary, merges: try mergeTable(file, vocabulary))
    model.ignoresMerges = pre.ignoresMerges
    let specials = SpecialTokens(
      bos: try file.special("bos"), eos: try file.special("eos"), pad: try file.special("padding"),
      unknown: try file.special("unknown"))
    let pipeline = try TokenizerPipeline(
      model: model, addedTokens: file.addedTokens(specials), normalizer: pre.normalizer,
      preTokenizer: pre.steps.count == 1 ? pre.steps[0] : .sequence(pre.steps),
      postProcessor: file.postProcessor(specials, addsBOS: pre.addsBOS), decoder: .byteLevel)
    return try file.tokenizer(pipeline, specials)
  }

  private static func mergeTable(_ file: GGUFVocabulary, _ vocabulary: Vocabulary) throws -> MergeTable {
    let lines = try file.metadata.strings(mergesKey)
    var list = MergeList(vocabulary, expected: lines.count)
    for (rank, line) in lines.enumerated() {
      func failed(_ problem: TokenizerError.Problem) -> TokenizerError {
        file.error(problem, "\(mergesKey)[\(rank)]")
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

  private static func sentencePiece(_ file: GGUFVocabulary) throws -> Tokenizer {
    let scores = try file.metadata.doubles(scoresKey).map(Float.init)
    guard scores.count == file.tokens.count else {
      throw file.error(
        .invalidValue("list of \(scores.count) scores", reason: "there are \(file.tokens.count) tokens"), scoresKey)
    }
    let vocabulary = try file.vocabulary()
    // Where the file does not name them, llama.cpp takes the ids of Llama 2.
    let specials = SpecialTokens(
      bos: try file.special("bos", default: 1), eos: try file.special("eos", default: 2),
      pad: try file.special("padding"), unknown: try file.special("unknown", default: 0))
    let pieces = SentencePieces(texts: file.tokens, scores: scores, kinds: file.kinds)
    let model: BytePairModel
    do throws(SentencePieces.Fault) {
      model = try BytePairModel(pieces, vocabulary, unknown: specials.unknown?.id)
    } catch {
      throw file.error(error.problem, error.id.map { "\(scoresKey)[\($0)]" } ?? scoresKey)
    }
    let addsPrefix = try file.flag("add_space_prefix", default: true)
    let pipeline = try TokenizerPipeline(
      model: model, addedTokens: strippingAddedTokens(file, specials),
      normalizer: SentencePieces.normalizer(addsPrefix: addsPrefix), preTokenizer: nil,
      postProcessor: file.postProcessor(specials, addsBOS: true),
      decoder: SentencePieces.decoder(addsPrefix: addsPrefix))
    return try file.tokenizer(pipeline, specials)
  }

  /// Tokens of which a vocabulary has one if its added tokens take the white space behind them.
  ///
  /// Files cannot say so, and llama.cpp goes by the model's name. The vocabulary of Phi 3 has this one.
  private static let strippingMarks: Set<String> = ["<|placeholder1|>"]

  /// The added tokens, with the white space behind them where the vocabulary is such a one.
  private static func strippingAddedTokens(_ file: GGUFVocabulary, _ specials: SpecialTokens) -> [AddedToken] {
    var tokens = file.addedTokens(specials)
    guard tokens.contains(where: { strippingMarks.contains($0.content) }) else { return tokens }
    for index in tokens.indices where !["<unk>", "<s>", "<|endoftext|>"].contains(tokens[index].content) {
      tokens[index].stripsRight = true
    }
    return tokens
  }
}
