/// The pieces of a SentencePiece model that merges pairs (`model_type=bpe`): of two neighbours the ones go together whose
/// joint is the piece of the highest score, as by Kudo and Richardson 2018.
///
/// There are no merges in such a model. They are made here from the scores, so that everything else is byte-pair
/// encoding as `tokenizers` does it: a merge for every way in which a piece is two others, the highest score first. Where
/// scores are equal the longer left side comes first, then the longer right side, then the lower id; that is
/// transformers' order too.
struct SentencePieces {
  /// By id, as are the others.
  let texts: [String]
  let scores: [Float]
  let kinds: [PieceKind]

  /// What stands for a space in pieces.
  static let mark = "\u{2581}"

  enum Fault: Error {
    /// A score that is no number.
    case score(id: Int)
    /// Nothing says which of several pieces comes first: all have this score.
    case withoutOrder(score: Float, count: Int)

    /// The piece that is at fault, nil when all are.
    var id: Int? { if case .score(let id) = self { id } else { nil } }

    var problem: TokenizerError.Problem {
      switch self {
      case .score: .invalidValue("score", reason: "it is not a number")
      case .withoutOrder(let score, let count): .scoresWithoutOrder(score: score, count: count)
      }
    }
  }

  /// Whether some pieces stand for single bytes.
  var hasBytes: Bool { kinds.contains(.byte) }

  /// The merges, by rank.
  ///
  /// Control tokens, bytes and the unknown token take no part, as in SentencePiece. Cost: two look-ups for every scalar of
  /// the vocabulary and a sort: about 0.3 s for 262,144 pieces.
  func merges(_ vocabulary: Vocabulary) throws(Fault) -> [MergeTable.Merge] {
    var merges: [Scored] = []
    merges.reserveCapacity(texts.count * 2)
    var results = 0
    var seen: Float?
    var hasOrder = false
    for id in texts.indices where takesPart(Int32(id)) {
      if scores[id].isNaN { throw .score(id: id) }
      let before = merges.count
      appendMerges(into: Int32(id), vocabulary, &merges)
      if merges.count == before { continue }
      results += 1
      hasOrder = hasOrder || seen.map { $0 != scores[id] } ?? false
      seen = scores[id]
    }
    if let seen, results > 1, !hasOrder { throw .withoutOrder(score: seen, count: results) }
    merges.sort { ($0.order, $0.merge.result) < ($1.order, $1.merge.result) }
    return merges.map(\.merge)
  }

  /// A merge and what it is sorted by.
  private struct Scored {
    var order: UInt64
    var merge: MergeTable.Merge
  }

  private func takesPart(_ id: Int32) -> Bool {
    switch kinds[Int(id)] {
    case .normal, .userDefined, .unused: true
    case .unknown, .control, .byte: false
    }
  }

  /// Appends a merge for every cut of a piece whose two sides are pieces.
  private func appendMerges(into id: Int32, _ vocabulary: Vocabulary, _ merges: inout [Scored]) {
    let rank = UInt64(Self.rank(scores[Int(id)])) << 32
    vocabulary.withBytes(of: id) { text in
      let count = text.count { $0 & 0xC0 != 0x80 }
      var cut = 0
      for leftCount in stride(from: 1, to: count, by: 1) {
        cut += UTF8Text.scalar(at: cut, in: text).length
        guard let left = vocabulary.id(of: UnsafeBufferPointer(rebasing: text[..<cut])), takesPart(left),
          let right = vocabulary.id(of: UnsafeBufferPointer(rebasing: text[cut...])), takesPart(right)
        else { continue }
        let lengths = UInt64(0xFFFF - min(leftCount, 0xFFFF)) << 16 | UInt64(0xFFFF - min(count - leftCount, 0xFFFF))
        merges.append(
          Scored(order: rank | lengths, merge: MergeTable.Merge(left: left, right: right, result: id)))
      }
    }
  }

  /// A number that falls as the score rises.
  private static func rank(_ score: Float) -> UInt32 {
    // Adding zero makes the two zeros one.
    let bits = (score + 0).bitPattern
    return bits >> 31 == 0 ? ~(bits | 0x8000_0000) : bits
  }
}

extension BytePairModel {
  /// The model of pieces with scores.
  init(_ pieces: SentencePieces, _ vocabulary: Vocabulary, unknown: Int32?) throws(SentencePieces.Fault) {
    self.init(vocabulary: vocabulary, merges: MergeTable(try pieces.merges(vocabulary)))
    symbols.fallbackIDs = pieces.hasBytes ? Self.fallbackIDs(in: vocabulary) : nil
    symbols.unknownID = unknown
    symbols.fusesUnknown = true
  }
}

extension SentencePieces {
  /// What is done to a text before it is merged: spaces become marks, and one goes before every section where
  /// `addsPrefix` says so.
  static func normalizer(addsPrefix: Bool) -> Normalizer {
    let replace = Normalizer.replace(.literal([0x20]), content: mark)
    return addsPrefix ? .sequence([.prepend(mark), replace]) : replace
  }

  /// The way back.
  static func decoder(addsPrefix: Bool) -> TokenDecoder {
    let steps: [TokenDecoder] = [.replace(.literal(Array(mark.utf8)), content: " "), .byteFallback, .fuse]
    return .sequence(addsPrefix ? steps + [.strip(" ", start: 1, stop: 0)] : steps)
  }
}
