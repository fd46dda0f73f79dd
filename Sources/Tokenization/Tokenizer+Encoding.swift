extension Tokenizer {
  /// The ids of a text.
  ///
  /// Special tokens written in the text are recognised as HF does; none are put around it.
  ///
  /// - Throws: ``TokenizerError`` when a pattern of the tokenizer gives up on the text.
  package func encode(_ text: String) throws -> [Int32] {
    var context = TextContext()
    return try encode(text, after: &context)
  }

  /// The ids of a piece of a text, of which `context` says what came before and then what has come.
  ///
  /// Only what stands before a piece decides its ids, as when a model answers a prompt that is tokenised already: no
  /// token crosses from one piece to the next. Apart from that the ids of all pieces are those of the whole text.
  package func encode(_ piece: String, after context: inout TextContext) throws -> [Int32] {
    var piece = piece
    // A string is valid UTF-8 already.
    return try piece.withUTF8 { try encode(valid: $0, after: &context, addsSpecialTokens: false) }
  }

  /// The ids of UTF-8 bytes.
  ///
  /// What is not UTF-8 becomes U+FFFD first, as by Python's `decode(errors="replace")`.
  ///
  /// - Parameter addsSpecialTokens: Whether the post-processor puts its tokens (such as bos) around the text, those that
  ///   the text has already included, as HF does.
  package func encode(_ bytes: UnsafeRawBufferPointer, addsSpecialTokens: Bool) throws -> [Int32] {
    let text = bytes.bindMemory(to: UInt8.self)
    var context = TextContext()
    guard UTF8Text.isValid(text) else {
      var repaired = String(decoding: text, as: UTF8.self)
      return try repaired.withUTF8 { try encode(valid: $0, after: &context, addsSpecialTokens: addsSpecialTokens) }
    }
    return try encode(valid: text, after: &context, addsSpecialTokens: addsSpecialTokens)
  }

  /// The ids of a whole document, with what the post-processor puts around texts unless the text has it already.
  ///
  /// A text that a chat template made begins with bos, as a rule; HF would put another one before it.
  package func encode(document text: String) throws -> [Int32] {
    let ids = try encode(text)
    let post = pipeline.postProcessor
    return (ids.starts(with: post.before) ? [] : post.before) + ids
      + (ids.suffix(post.after.count).elementsEqual(post.after) ? [] : post.after)
  }

  private func encode(
    valid text: UnsafeBufferPointer<UInt8>, after context: inout TextContext, addsSpecialTokens: Bool
  ) throws -> [Int32] {
    try pool.with { scratch in
      defer { scratch.pieces.release() }
      var position = context.original
      let result = scratch.collect { ids in
        if addsSpecialTokens { for id in pipeline.postProcessor.before { ids.append(id) } }
        pipeline.originalFinder.split(text, &position) { gap, isFresh in
          encode(UnsafeBufferPointer(rebasing: text[gap]), isFresh: isFresh, &context, scratch, into: &ids)
        } token: {
          context.isStart = false
          ids.append($0)
        }
        if addsSpecialTokens { for id in pipeline.postProcessor.after { ids.append(id) } }
      }
      context.original = position
      try scratch.pieces.matcher.throwIfGivenUp(source)
      return result
    }
  }

  /// Encodes a stretch without added tokens of the original text.
  ///
  /// - Parameter isFresh: Whether a section begins with it.
  private func encode(
    _ stretch: UnsafeBufferPointer<UInt8>, isFresh: Bool, _ context: inout TextContext, _ scratch: Scratch,
    into ids: inout IDBuffer
  ) {
    if isFresh {
      context.normalized = TextContext.Position()
      context.isSectionEmpty = true
    }
    let normalized = pipeline.normalizer?.apply(
      stretch, continues: !context.isSectionEmpty, scratch.pieces.matcher)
    if let normalized {
      normalized.withUnsafeBufferPointer { encodeNormalized($0, &context, scratch, into: &ids) }
    } else {
      encodeNormalized(stretch, &context, scratch, into: &ids)
    }
  }

  private func encodeNormalized(
    _ text: UnsafeBufferPointer<UInt8>, _ context: inout TextContext, _ scratch: Scratch, into ids: inout IDBuffer
  ) {
    guard !text.isEmpty else { return }
    context.isSectionEmpty = false
    let isInAlphabet = pipeline.preTokenization.endsInAlphabet
    let (encoder, model) = (scratch.encoder, pipeline.model)
    var position = context.normalized
    let before = position.last
    var isStart = context.isStart
    pipeline.normalizedFinder.split(text, &position) { gap, isFresh in
      let place: PreTokenization.Standing = isFresh ? isStart ? .start : .section : .continued(after: before)
      isStart = false
      pipeline.preTokenization.forEachPiece(
        of: UnsafeBufferPointer(rebasing: text[gap]), place, scratch.pieces
      ) { piece in
        guard let seams = pipeline.seams else {
          encoder.encode(piece, isInAlphabet: isInAlphabet, model, into: &ids)
          return
        }
        seams.forEachPart(of: piece) { encoder.encode($0, isInAlphabet: isInAlphabet, model, into: &ids) }
      }
    } token: {
      isStart = false
      ids.append($0)
    }
    context.normalized = position
    context.isStart = isStart
  }
}

extension Tokenizer {
  /// The pieces that byte-pair encoding would take one by one, as bytes, of a text without added tokens.
  ///
  /// Without normalisation, as HF's `pre_tokenize_str`.
  package func pieces(of text: String) throws -> [[UInt8]] {
    var text = text
    return try text.withUTF8 { text in
      try pool.with { scratch in
        defer { scratch.pieces.release() }
        var pieces: [[UInt8]] = []
        pipeline.preTokenization.forEachPiece(of: text, .start, scratch.pieces) { pieces.append(Array($0)) }
        try scratch.pieces.matcher.throwIfGivenUp(source)
        return pieces
      }
    }
  }
}
