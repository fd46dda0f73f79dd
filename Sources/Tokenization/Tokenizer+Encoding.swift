extension Tokenizer {
  /// The ids of a text.
  ///
  /// Special tokens written in the text are recognised as HF does; none are put around it.
  package func encode(_ text: String) -> [Int32] {
    var text = text
    return text.withUTF8 { encode(UnsafeRawBufferPointer($0), addsSpecialTokens: false) }
  }

  /// The ids of UTF-8 bytes.
  ///
  /// What is not UTF-8 becomes U+FFFD first, as by Python's `decode(errors="replace")`.
  ///
  /// - Parameter addsSpecialTokens: Whether the post-processor puts its tokens (such as bos) around the text.
  package func encode(_ bytes: UnsafeRawBufferPointer, addsSpecialTokens: Bool) -> [Int32] {
    let text = bytes.bindMemory(to: UInt8.self)
    guard UTF8Text.isValid(text) else {
      var repaired = String(decoding: text, as: UTF8.self)
      return repaired.withUTF8 { encode(UnsafeRawBufferPointer($0), addsSpecialTokens: addsSpecialTokens) }
    }
    var ids: [Int32] = []
    ids.reserveCapacity(text.count / 4 + 8)
    if addsSpecialTokens { ids += pipeline.postProcessor.before }
    pool.with { scratch in
      pipeline.originalFinder.split(text) { gap in
        encode(UnsafeBufferPointer(rebasing: text[gap]), startsInput: gap.lowerBound == 0, scratch, into: &ids)
      } token: {
        ids.append($0)
      }
      scratch.pieces.release()
    }
    if addsSpecialTokens { ids += pipeline.postProcessor.after }
    return ids
  }

  /// Encodes a stretch without added tokens of the original text.
  private func encode(
    _ stretch: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: Scratch, into ids: inout [Int32]
  ) {
    if let normalized = pipeline.normalizer?.apply(stretch, scratch.pieces.matcher) {
      normalized.withUnsafeBufferPointer { encodeNormalized($0, startsInput: startsInput, scratch, into: &ids) }
    } else {
      encodeNormalized(stretch, startsInput: startsInput, scratch, into: &ids)
    }
  }

  private func encodeNormalized(
    _ text: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: Scratch, into ids: inout [Int32]
  ) {
    let isInAlphabet = pipeline.preTokenization.endsInAlphabet
    pipeline.normalizedFinder.split(text) { gap in
      pipeline.preTokenization.forEachPiece(
        of: UnsafeBufferPointer(rebasing: text[gap]), startsInput: startsInput && gap.lowerBound == 0, scratch.pieces
      ) { scratch.encoder.encode($0, isInAlphabet: isInAlphabet, pipeline.model, into: &ids) }
    } token: {
      ids.append($0)
    }
  }
}
