import PreciseJSON

/// The layout of a token shard; `docs/formats/token-shards.md` describes it for other readers.
///
///     "ANTOKENS"                      8 bytes
///     block, block, …                 zstd frames, each independently readable
///     index                           one zstd frame of JSON: version, counts, blocks
///     size of the index's frame       u32, little-endian
///     "ANTOKEND"                      8 bytes
enum TokenShardLayout {
  static let magic = Array("ANTOKENS".utf8)
  static let endMagic = Array("ANTOKEND".utf8)
  static let version = 1
  /// A block is closed when it holds this many tokens, or columns of so many bytes, so that a reader expands about 256 KiB for one row.
  static let blockTokens = 1 << 16
  /// The most bytes a block or index may expand to.
  static let expansionLimit = 1 << 30

  /// One block in the index.
  struct Block: Sendable, Hashable {
    var offset: Int
    var size: Int
    var firstRow: Int
    var rows: Int
  }

  /// Appends a row's bytes.
  ///
  /// u32 count of sequences; where its highest bit is set, the margin as f32; where the next one is set, the columns as a u32
  /// of bytes and their JSON text; for each sequence u8 role, u32 length, where the role's second highest bit is set, the
  /// number of its source as u32, the ids as i32, the marks as bits from the lowest bit of each byte; where the role's
  /// highest bit is set, a weight as f32 for each mark that is set. All little-endian.
  ///
  /// - Parameter sources: The names that the index holds; those of the row are added.
  static func append(_ row: TokenRow, sources: inout [String], to bytes: inout [UInt8]) {
    var count = UInt32(row.sequences.count)
    if row.margin != 0 { count |= marginBit }
    if row.columns != nil { count |= columnsBit }
    append(count, to: &bytes)
    if row.margin != 0 { append(row.margin.bitPattern, to: &bytes) }
    if let columns = row.columns {
      append(UInt32(columns.utf8.count), to: &bytes)
      bytes.append(contentsOf: columns.utf8)
    }
    for sequence in row.sequences {
      let isWeighted = zip(sequence.weights, sequence.lossMask).contains { $0.1 && $0.0 != 1 }
      bytes.append(
        sequence.role.rawValue | (isWeighted ? weightBit : 0) | (sequence.source == nil ? 0 : sourceBit))
      append(UInt32(sequence.ids.count), to: &bytes)
      if let source = sequence.source {
        let number = sources.firstIndex(of: source) ?? sources.count
        if number == sources.count { sources.append(source) }
        append(UInt32(number), to: &bytes)
      }
      for id in sequence.ids { append(UInt32(bitPattern: id), to: &bytes) }
      var marks = [UInt8](repeating: 0, count: (sequence.lossMask.count + 7) / 8)
      for (index, isTrained) in sequence.lossMask.enumerated() where isTrained { marks[index / 8] |= 1 << (index % 8) }
      bytes.append(contentsOf: marks)
      if isWeighted {
        for (weight, isTrained) in zip(sequence.weights, sequence.lossMask) where isTrained {
          append(weight.bitPattern, to: &bytes)
        }
      }
    }
  }

  /// In a row's count of sequences: a margin follows.
  private static let marginBit: UInt32 = 1 << 31
  /// And there: columns follow.
  ///
  /// To versions that do not know the bit it is a count that no block holds.
  private static let columnsBit: UInt32 = 1 << 30
  /// In a sequence's role: weights follow.
  private static let weightBit: UInt8 = 1 << 7
  /// In a sequence's role: the number of its source follows.
  private static let sourceBit: UInt8 = 1 << 6

  /// How many tokens a row fills a block by: columns as many as would take their bytes.
  static func size(of row: TokenRow) -> Int { row.tokenCount + (row.columns?.utf8.count ?? 0) / 4 }

  static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Reads the rows of an expanded block; nil when the bytes do not hold exactly `count` rows.
  static func rows(_ bytes: [UInt8], count: Int, sources: [String] = []) -> [TokenRow]? {
    var offset = 0
    func integer() -> Int? {
      guard offset + 4 <= bytes.count else { return nil }
      defer { offset += 4 }
      let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
      return Int(UInt32(littleEndian: value))
    }
    var rows: [TokenRow] = []
    for _ in 0..<count {
      guard var sequenceCount = integer() else { return nil }
      var margin: Float = 0
      if sequenceCount & Int(marginBit) != 0 {
        sequenceCount &= ~Int(marginBit)
        guard let bits = integer() else { return nil }
        margin = Float(bitPattern: UInt32(bits))
      }
      var columns: String?
      if sequenceCount & Int(columnsBit) != 0 {
        sequenceCount &= ~Int(columnsBit)
        guard let size = integer(), size <= bytes.count - offset,
          let text = object(bytes[offset..<offset + size])
        else { return nil }
        offset += size
        columns = text
      }
      guard sequenceCount <= bytes.count - offset, margin.isFinite else { return nil }
      var sequences: [TokenSequence] = []
      for _ in 0..<sequenceCount {
        guard offset < bytes.count,
          let role = TokenSequence.Role(rawValue: bytes[offset] & ~(weightBit | sourceBit))
        else { return nil }
        let (isWeighted, hasSource) = (bytes[offset] & weightBit != 0, bytes[offset] & sourceBit != 0)
        offset += 1
        guard let length = integer() else { return nil }
        var source: String?
        if hasSource {
          guard let number = integer(), number < sources.count else { return nil }
          source = sources[number]
        }
        guard length <= (bytes.count - offset) / 4 else { return nil }
        let ids = bytes.withUnsafeBytes { raw in
          (0..<length).map {
            Int32(littleEndian: raw.loadUnaligned(fromByteOffset: offset + 4 * $0, as: Int32.self))
          }
        }
        offset += 4 * length
        guard (length + 7) / 8 <= bytes.count - offset else { return nil }
        let marks = (0..<length).map { bytes[offset + $0 / 8] >> ($0 % 8) & 1 == 1 }
        offset += (length + 7) / 8
        var weights: [Float] = []
        if isWeighted {
          for isTrained in marks {
            guard isTrained else {
              weights.append(1)
              continue
            }
            guard let bits = integer() else { return nil }
            let weight = Float(bitPattern: UInt32(bits))
            guard weight >= 0, weight.isFinite else { return nil }
            weights.append(weight)
          }
        }
        sequences.append(TokenSequence(role: role, ids: ids, lossMask: marks, weights: weights, source: source))
      }
      rows.append(TokenRow(sequences, margin: margin, columns: columns))
    }
    return offset == bytes.count ? rows : nil
  }

  /// The JSON text of an object; nil for bytes that are none.
  private static func object(_ bytes: ArraySlice<UInt8>) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self), let value = try? JSON(parsing: text),
      value.object != nil
    else { return nil }
    return text
  }

  static func index(counts: TokenCounts, blocks: [Block], sources: [String]) -> JSON {
    let list = blocks.map { block -> JSON in
      [JSON(block.offset), JSON(block.size), JSON(block.firstRow), JSON(block.rows)]
    }
    let names = sources.isEmpty ? [] : [(key: "sources", value: JSON.array(sources.map { JSON($0) }))]
    return JSON(
      [("version", JSON(version)), ("counts", counts.json), ("blocks", .array(list))] + names)
  }
}
