/// Encodes pieces by a ``BytePairModel``, for one thread at a time.
final class PieceEncoder {
  private let shortWords = ShortWordCache()
  private let longWords = WordCache()
  private var ids: [Int32] = []
  private var mapped: [UInt8] = []
  private let shortPieces = ShortPieceMerger()
  private let longPieces = LongPieceMerger()

  /// Appends the ids of a piece.
  ///
  /// - Parameter isInAlphabet: Whether the piece is written in GPT-2's alphabet already.
  @inline(__always)
  func encode(
    _ piece: UnsafeBufferPointer<UInt8>, isInAlphabet: Bool, _ model: BytePairModel, into out: inout IDBuffer
  ) {
    guard let base = piece.baseAddress, piece.count > 0 else { return }
    let words = ByteWords(base, piece.count)
    let hash = words.hash(count: piece.count)
    if piece.count <= ShortWordCache.byteLimit, shortWords.appendIDs(of: words, piece.count, hash: hash, to: &out) {
      return
    }
    encodeLong(piece, words, hash: hash, isInAlphabet, model, into: &out)
  }

  /// A piece that is long, or short and not known.
  @inline(never)
  private func encodeLong(
    _ piece: UnsafeBufferPointer<UInt8>, _ words: ByteWords, hash: UInt64, _ isInAlphabet: Bool,
    _ model: BytePairModel, into out: inout IDBuffer
  ) {
    if piece.count <= WordCache.keyLimit, longWords.appendIDs(of: piece, hash: hash, to: &out) { return }
    let start = out.count
    encodeAnew(piece, isInAlphabet, model, into: &out)
    let found = out.ids(from: start)
    if piece.count <= ShortWordCache.byteLimit, found.count <= ShortWordCache.idLimit {
      shortWords.insert(words, piece.count, hash: hash, ids: found)
    } else if piece.count <= WordCache.keyLimit {
      longWords.insert(piece, hash: hash, ids: found)
    }
  }

  private func encodeAnew(
    _ piece: UnsafeBufferPointer<UInt8>, _ isInAlphabet: Bool, _ model: BytePairModel, into out: inout IDBuffer
  ) {
    if model.ignoresMerges, let whole = wholeToken(piece, isInAlphabet, model) {
      out.append(whole)
      return
    }
    if let bytes = model.bytes, !isInAlphabet {
      if piece.count <= ShortPieceMerger.limit {
        shortPieces.encode(piece, bytes, model.merges, into: &out)
        return
      }
      ids.removeAll(keepingCapacity: true)
      for byte in piece { ids.append(bytes.id(of: byte)) }
    } else if model.symbols.byteIDs != nil, !isInAlphabet {
      appendScalars(of: ByteLevelAlphabet.text(of: piece), model)
    } else {
      appendScalars(of: Array(piece), model)
    }
    if ids.count > ShortPieceMerger.limit {
      longPieces.merge(&ids, model.merges)
      ids.withUnsafeBufferPointer { out.append($0) }
    } else {
      ids.withUnsafeBufferPointer { shortPieces.merge($0, model.merges, into: &out) }
    }
  }

  private func wholeToken(
    _ piece: UnsafeBufferPointer<UInt8>, _ isInAlphabet: Bool, _ model: BytePairModel
  ) -> Int32? {
    if model.symbols.byteIDs == nil || isInAlphabet { return model.vocabulary.id(of: piece) }
    mapped.removeAll(keepingCapacity: true)
    for byte in piece { ByteLevelAlphabet.append(byte, to: &mapped) }
    return model.vocabulary.id(of: mapped)
  }

  /// The symbols of a piece by its scalars: tokens, else bytes, else the unknown token.
  private func appendScalars(of text: [UInt8], _ model: BytePairModel) {
    ids.removeAll(keepingCapacity: true)
    var pendingUnknown: Int32?
    text.withUnsafeBufferPointer { text in
      var index = 0
      while index < text.count {
        let length = UTF8Text.scalar(at: index, in: text).length
        let scalar = UnsafeBufferPointer(rebasing: text[index..<(index + length)])
        index += length
        if let id = model.vocabulary.id(of: scalar) {
          if let unknown = pendingUnknown { ids.append(unknown) }
          pendingUnknown = nil
          ids.append(id)
        } else if let fallback = model.symbols.fallbackIDs, scalar.allSatisfy({ fallback[Int($0)] >= 0 }) {
          // HF leaves an unknown token that is still pending behind these bytes; so does this.
          for byte in scalar { ids.append(fallback[Int(byte)]) }
        } else if let unknown = model.symbols.unknownID {
          if let pending = pendingUnknown, !model.symbols.fusesUnknown { ids.append(pending) }
          pendingUnknown = unknown
        }
      }
    }
    if let unknown = pendingUnknown { ids.append(unknown) }
  }
}
