/// Where text may be cut before it is merged without touching its ids: between two scalars that stand side by side in no
/// token which merges make.
///
/// Models without a pre-tokenizer, such as SentencePiece's, take a whole text as one piece. Nearly every word of it is a
/// part that merges cannot join to the next, and parts that came before are in the caches of ``PieceEncoder``.
struct SeamTable: Sendable {
  /// A bit for a pair of scalars, by its hash.
  ///
  /// Two pairs with one bit only mean that a text is cut less often.
  private let bits: [UInt64]
  private static let indexBits: UInt64 = 21

  /// Nil for a model whose parts may not be encoded one by one: where unknown scalars next to each other are one token, or
  /// bytes merge, of which the text does not say what they become.
  init?(_ model: BytePairModel) {
    guard let bytes = model.symbols.fallbackIDs, bytes.allSatisfy({ $0 >= 0 }), !model.ignoresMerges,
      model.symbols.byteIDs == nil
    else { return nil }
    let byteIDs = Set(bytes)
    var bits = [UInt64](repeating: 0, count: 1 << (Self.indexBits - 6))
    for merge in model.merges.ordered {
      if byteIDs.contains(merge.left) || byteIDs.contains(merge.right) { return nil }
      // Pairs inside either side come from the merges that made it, or are none.
      guard let left = Self.edges(of: merge.left, model.vocabulary)?.last,
        let right = Self.edges(of: merge.right, model.vocabulary)?.first
      else { return nil }
      let index = Self.index(left, right)
      bits[index >> 6] |= 1 << UInt64(index & 63)
    }
    self.bits = bits
  }

  /// The first and the last scalar of a token.
  private static func edges(of id: Int32, _ vocabulary: Vocabulary) -> (first: UInt32, last: UInt32)? {
    var edges: (UInt32, UInt32)?
    vocabulary.withBytes(of: id) { text in
      guard !text.isEmpty else { return }
      let last = UTF8Text.start(before: text.count, in: text)
      edges = (UTF8Text.scalar(at: 0, in: text).value, UTF8Text.scalar(at: last, in: text).value)
    }
    return edges
  }

  @inline(__always)
  private static func index(_ left: UInt32, _ right: UInt32) -> Int {
    let pair = UInt64(left) << 32 | UInt64(right)
    return Int(truncatingIfNeeded: (pair &* 0x9E37_79B9_7F4A_7C15) >> (64 - indexBits))
  }

  /// Calls `body` with every part of a text, in order.
  @inline(__always)
  func forEachPart(of text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard !text.isEmpty else { return }
    bits.withUnsafeBufferPointer { bits in
      var (last, index) = UTF8Text.scalar(at: 0, in: text)
      var start = 0
      while index < text.count {
        let (value, length) = UTF8Text.scalar(at: index, in: text)
        let place = Self.index(last, value)
        if bits[place >> 6] >> UInt64(place & 63) & 1 == 0 {
          body(UnsafeBufferPointer(rebasing: text[start..<index]))
          start = index
        }
        last = value
        index += length
      }
      body(UnsafeBufferPointer(rebasing: text[start...]))
    }
  }
}
