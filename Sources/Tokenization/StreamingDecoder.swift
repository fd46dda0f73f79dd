/// Gives the text of ids that come one by one, in whole scalars.
///
/// The texts of all pushes and of ``finish()`` joined are the text of all ids decoded at once; U+FFFD appears only for
/// bytes that no later id can complete.
package struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// Bytes of an unfinished scalar, when ids decode one by one.
  private var pending: [UInt8] = []
  /// Otherwise: ids whose text is not out yet, after some that give them their context.
  private var window: [Int32] = []
  private var shown = 0

  package init(_ tokenizer: Tokenizer, skipsSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
  }

  /// The text that is certain once `id` has come; empty while a scalar is unfinished.
  package mutating func push(_ id: Int32) throws -> String {
    guard tokenizer.pipeline.byteTable != nil else { return try pushInContext(id) }
    pending += try tokenizer.decodeBytes(CollectionOfOne(id), skipsSpecialTokens: skipsSpecialTokens)
    let complete = UTF8Text.completePrefix(of: pending)
    guard complete > 0 else { return "" }
    let text = String(decoding: pending[..<complete], as: UTF8.self)
    pending.removeFirst(complete)
    return text
  }

  /// The text that was held back; the decoder is as new afterwards.
  package mutating func finish() throws -> String {
    defer {
      pending = []
      window = []
      shown = 0
    }
    if tokenizer.pipeline.byteTable != nil { return String(decoding: pending, as: UTF8.self) }
    return String(decoding: try windowBytes().dropFirst(shown), as: UTF8.self)
  }

  private func windowBytes() throws -> [UInt8] {
    try tokenizer.decodeBytes(window, skipsSpecialTokens: skipsSpecialTokens)
  }

  /// For decoders in which a token's text depends on those before it: the window is decoded whole and what is new is
  /// given out, unless a run of byte tokens is unfinished.
  private mutating func pushInContext(_ id: Int32) throws -> String {
    window.append(id)
    if isByteToken(id), endsInsideScalar() { return "" }
    let bytes = try windowBytes()
    guard bytes.count > shown else { return "" }
    let text = String(decoding: bytes[shown...], as: UTF8.self)
    shown = bytes.count
    // A little context is enough from here on, as long as some text remains before what comes next.
    if window.count > 16, !isByteToken(id) {
      let whole = window
      window.removeFirst(window.count - 2)
      let rest = try windowBytes().count
      if rest > 0 { shown = rest } else { window = whole }
    }
    return text
  }

  private func isByteToken(_ id: Int32) -> Bool {
    tokenizer.pipeline.model.vocabulary.bytes(of: id).flatMap(TokenDecoder.byte) != nil
  }

  private func endsInsideScalar() -> Bool {
    let run = window.reversed().prefix { isByteToken($0) }.reversed()
    let bytes = run.compactMap { tokenizer.pipeline.model.vocabulary.bytes(of: $0).flatMap(TokenDecoder.byte) }
    return UTF8Text.completePrefix(of: Array(bytes)) < bytes.count
  }
}
