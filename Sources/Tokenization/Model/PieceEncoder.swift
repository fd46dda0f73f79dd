/// Encodes pieces by a ``BytePairModel``, for one thread at a time.
final class PieceEncoder {
  private let cache = WordCache()
  private var ids: [Int32] = []
  private var values: [UInt64] = []
  private var mapped: [UInt8] = []
  private let longPieces = LongPieceMerger()

  /// Pieces of more symbols than this are merged with a heap: O(n log n) instead of O(n²).
  private static let scanLimit = 96

  /// Appends the ids of a piece.
  ///
  /// - Parameter isInAlphabet: Whether the piece is written in GPT-2's alphabet already.
  @inline(__always)
  func encode(
    _ piece: UnsafeBufferPointer<UInt8>, isInAlphabet: Bool, _ model: BytePairModel, into out: inout [Int32]
  ) {
    guard let base = piece.baseAddress else { return }
    guard piece.count <= WordCache.keyLimit else {
      encodeAnew(piece, isInAlphabet, model, into: &out)
      return
    }
    let hash = hashBytes(base, piece.count)
    if cache.appendIDs(of: piece, hash: hash, to: &out) { return }
    let start = out.count
    encodeAnew(piece, isInAlphabet, model, into: &out)
    cache.insert(piece, hash: hash, ids: out[start...])
  }

  private func encodeAnew(
    _ piece: UnsafeBufferPointer<UInt8>, _ isInAlphabet: Bool, _ model: BytePairModel, into out: inout [Int32]
  ) {
    if model.ignoresMerges, let whole = wholeToken(piece, isInAlphabet, model) {
      out.append(whole)
      return
    }
    ids.removeAll(keepingCapacity: true)
    if let byteIDs = model.symbols.byteIDs, !isInAlphabet {
      byteIDs.withUnsafeBufferPointer { byteIDs in
        for byte in piece where byteIDs[Int(byte)] >= 0 { ids.append(byteIDs[Int(byte)]) }
      }
      if ids.count != piece.count { appendScalars(of: ByteLevelAlphabet.text(of: piece), model) }
    } else {
      appendScalars(of: Array(piece), model)
    }
    if ids.count > Self.scanLimit {
      longPieces.merge(&ids, model.merges)
    } else if ids.count > 1 {
      mergeByScanning(model.merges)
    }
    out.append(contentsOf: ids)
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

  /// Merges the pair of the lowest rank, leftmost first, until none is left.
  private func mergeByScanning(_ merges: MergeTable) {
    var count = ids.count
    values.removeAll(keepingCapacity: true)
    for index in 1..<count { values.append(merges.value(ids[index - 1], ids[index])) }
    ids.withUnsafeMutableBufferPointer { ids in
      values.withUnsafeMutableBufferPointer { values in
        while count > 1 {
          var best = MergeTable.none
          var at = 0
          for index in 0..<(count - 1) where values[index] < best {
            best = values[index]
            at = index
          }
          if best == MergeTable.none { break }
          ids[at] = Int32(truncatingIfNeeded: best)
          count -= 1
          if at + 1 < count {
            for index in (at + 1)..<count { ids[index] = ids[index + 1] }
            for index in at..<(count - 1) { values[index] = values[index + 1] }
            values[at] = merges.value(ids[at], ids[at + 1])
          }
          if at > 0 { values[at - 1] = merges.value(ids[at - 1], ids[at]) }
        }
      }
    }
    ids.removeLast(ids.count - count)
  }
}
