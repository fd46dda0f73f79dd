extension Tokenizer {
  /// The ids of a text.
  ///
  /// Special tokens written in the text are recognised as HF does; none are put around it.
  package func encode(_ text: String) -> [Int32] {
    var text = text
    // A string is valid UTF-8 already.
    return text.withUTF8 { encode(valid: $0, addsSpecialTokens: false) }
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
      return repaired.withUTF8 { encode(valid: $0, addsSpecialTokens: addsSpecialTokens) }
    }
    return encode(valid: text, addsSpecialTokens: addsSpecialTokens)
  }

  private func encode(valid text: UnsafeBufferPointer<UInt8>, addsSpecialTokens: Bool) -> [Int32] {
    pool.with { scratch in
      defer { scratch.pieces.release() }
      return scratch.collect { ids in
        if addsSpecialTokens { for id in pipeline.postProcessor.before { ids.append(id) } }
        pipeline.originalFinder.split(text) { gap in
          encode(UnsafeBufferPointer(rebasing: text[gap]), startsInput: gap.lowerBound == 0, scratch, into: &ids)
        } token: {
          ids.append($0)
        }
        if addsSpecialTokens { for id in pipeline.postProcessor.after { ids.append(id) } }
      }
    }
  }

  /// Encodes a stretch without added tokens of the original text.
  private func encode(
    _ stretch: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: Scratch, into ids: inout IDBuffer
  ) {
    if let normalized = pipeline.normalizer?.apply(stretch, scratch.pieces.matcher) {
      normalized.withUnsafeBufferPointer { encodeNormalized($0, startsInput: startsInput, scratch, into: &ids) }
    } else {
      encodeNormalized(stretch, startsInput: startsInput, scratch, into: &ids)
    }
  }

  private func encodeNormalized(
    _ text: UnsafeBufferPointer<UInt8>, startsInput: Bool, _ scratch: Scratch, into ids: inout IDBuffer
  ) {
    let isInAlphabet = pipeline.preTokenization.endsInAlphabet
    let (encoder, model) = (scratch.encoder, pipeline.model)
    pipeline.normalizedFinder.split(text) { gap in
      pipeline.preTokenization.forEachPiece(
        of: UnsafeBufferPointer(rebasing: text[gap]), startsInput: startsInput && gap.lowerBound == 0, scratch.pieces
      ) { encoder.encode($0, isInAlphabet: isInAlphabet, model, into: &ids) }
    } token: {
      ids.append($0)
    }
  }
}

extension Tokenizer {
  /// The pieces that byte-pair encoding would take one by one, as bytes, of a text without added tokens.
  ///
  /// Without normalisation, as HF's `pre_tokenize_str`.
  package func pieces(of text: String) -> [[UInt8]] {
    var text = text
    return text.withUTF8 { text in
      pool.with { scratch in
        defer { scratch.pieces.release() }
        var pieces: [[UInt8]] = []
        pipeline.preTokenization.forEachPiece(of: text, startsInput: true, scratch.pieces) { pieces.append(Array($0)) }
        return pieces
      }
    }
  }
}
