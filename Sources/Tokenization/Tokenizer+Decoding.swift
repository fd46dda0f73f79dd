extension Tokenizer {
  /// The text of ids.
  ///
  /// Bytes that are not UTF-8 become U+FFFD; ids without a token are passed over.
  ///
  /// - Throws: ``TokenizerError`` when a pattern of the decoder gives up on the tokens.
  package func decode(_ ids: some Sequence<Int32>, skipsSpecialTokens: Bool) throws -> String {
    String(decoding: try decodeBytes(ids, skipsSpecialTokens: skipsSpecialTokens), as: UTF8.self)
  }

  /// The bytes of ids, which may start or end inside a scalar.
  package func decodeBytes(_ ids: some Sequence<Int32>, skipsSpecialTokens: Bool) throws -> [UInt8] {
    if let table = pipeline.byteTable?.table {
      var bytes: [UInt8] = []
      for id in ids where !skipsSpecialTokens || !isSpecial(id) { table.append(id, to: &bytes) }
      return bytes
    }
    var pieces: [[UInt8]] = []
    for id in ids where !skipsSpecialTokens || !isSpecial(id) {
      if let added = pipeline.addedByID[id] {
        pieces.append(Array(added.content.utf8))
      } else if let bytes = pipeline.model.vocabulary.bytes(of: id) {
        pieces.append(bytes)
      }
    }
    guard let decoder = pipeline.decoder else { return Array(pieces.joined(separator: [0x20])) }
    return try pool.with { scratch in
      let matcher = scratch.pieces.matcher
      let bytes = Array(decoder.apply(pieces, matcher).joined())
      try matcher.throwIfGivenUp(source)
      return bytes
    }
  }
}
