extension Tokenizer {
  /// The text of ids.
  ///
  /// Bytes that are not UTF-8 become U+FFFD; ids without a token are passed over.
  package func decode(_ ids: some Sequence<Int32>, skipsSpecialTokens: Bool) -> String {
    String(decoding: decodeBytes(ids, skipsSpecialTokens: skipsSpecialTokens), as: UTF8.self)
  }

  /// The bytes of ids, which may start or end inside a scalar.
  package func decodeBytes(_ ids: some Sequence<Int32>, skipsSpecialTokens: Bool) -> [UInt8] {
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
    return pool.with { Array(decoder.apply(pieces, $0.pieces.matcher).joined()) }
  }
}
