import PreciseJSON

/// Everything that decides which ids a text gets and which text ids give.
struct TokenizerPipeline: Sendable {
  var model: BytePairModel
  /// By rising id.
  let addedTokens: [AddedToken]
  let addedByID: [Int32: AddedToken]
  let normalizer: Normalizer?
  let preTokenizer: PreTokenizer?
  let postProcessor: PostProcessor
  let decoder: TokenDecoder?

  let preTokenization: PreTokenization
  /// Where pieces may be cut further, for a model that takes long ones.
  let seams: SeamTable?
  /// Finds added tokens in the original text, and those in the normalised text.
  let originalFinder: AddedTokenFinder
  let normalizedFinder: AddedTokenFinder
  /// The bytes of every id, when the decoder works token by token.
  let byteTable: LazyTokenByteTable?

  init(
    model: BytePairModel, addedTokens: [AddedToken], normalizer: Normalizer?, preTokenizer: PreTokenizer?,
    postProcessor: PostProcessor, decoder: TokenDecoder?
  ) throws {
    self.model = model
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.postProcessor = postProcessor
    self.decoder = decoder
    preTokenization = try PreTokenization(preTokenizer)
    self.model.symbols.byteIDs = preTokenization.isByteLevel ? BytePairModel.byteIDs(in: model.vocabulary) : nil
    seams = SeamTable(self.model)
    // HF lists special tokens before the others; of two that are found by the same bytes the first counts.
    let ordered = addedTokens.filter(\.isSpecial) + addedTokens.filter { !$0.isSpecial }
    originalFinder = AddedTokenFinder(ordered.filter { !$0.isNormalized }.map { ($0, Array($0.content.utf8)) })
    let matcher = PatternMatcher()
    normalizedFinder = AddedTokenFinder(
      ordered.filter(\.isNormalized).map { token in
        let bytes = Array(token.content.utf8)
        return (token, bytes.withUnsafeBufferPointer { normalizer?.apply($0, matcher) } ?? bytes)
      })
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    addedByID = Dictionary(addedTokens.map { ($0.id, $0) }) { first, _ in first }
    byteTable = decoder?.isByteLevelOnly == true ? LazyTokenByteTable(model.vocabulary, self.addedTokens) : nil
  }
}
