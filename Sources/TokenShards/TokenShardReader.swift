import Glibc
import PreciseJSON

/// Reads a token shard: any row by number, expanding one block at a time.
///
/// The last block expanded is kept, so reading rows in order expands each block once. Not safe to share between
/// threads; open one reader each.
package final class TokenShardReader {
  package let path: String
  package let counts: TokenCounts
  private let bytes: [UInt8]
  private let blocks: [TokenShardLayout.Block]
  private let sources: [String]
  private var current: (block: Int, rows: [TokenRow])?

  /// Opens a shard and checks its index.
  ///
  /// The compressed bytes (about a byte a token) are held in memory.
  package init(path: String) throws {
    self.path = path
    bytes = try Self.contents(path)
    let magic = TokenShardLayout.magic
    guard bytes.count >= magic.count, bytes.prefix(magic.count).elementsEqual(magic) else {
      throw TokenShardError(.notAShard, file: path)
    }
    guard bytes.count >= magic.count + 12, bytes.suffix(8).elementsEqual(TokenShardLayout.endMagic) else {
      throw TokenShardError(.truncated, file: path, byteOffset: bytes.count)
    }
    let indexEnd = bytes.count - 12
    let sizeBits = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: indexEnd, as: UInt32.self) }
    let indexSize = Int(UInt32(littleEndian: sizeBits))
    guard indexSize <= indexEnd - magic.count else { throw TokenShardError(.truncated, file: path) }
    let text = try Self.expand(bytes, indexEnd - indexSize..<indexEnd, path)
    (counts, blocks, sources) = try Self.index(text, dataEnd: indexEnd - indexSize, path: path)
  }

  private static func index(
    _ text: [UInt8], dataEnd: Int, path: String
  ) throws -> (TokenCounts, [TokenShardLayout.Block], sources: [String]) {
    let json = try JSON(parsing: text, file: path)
    guard let version = json["version"]?.int else { throw TokenShardError(.damaged("no version"), file: path) }
    guard version == TokenShardLayout.version else { throw TokenShardError(.unsupportedVersion(version), file: path) }
    guard let counts = json["counts"].flatMap(TokenCounts.init(json:)), let list = json["blocks"]?.array else {
      throw TokenShardError(.damaged("the index has no counts or blocks"), file: path)
    }
    var blocks: [TokenShardLayout.Block] = []
    var offset = TokenShardLayout.magic.count
    var row = 0
    for entry in list {
      let numbers = (entry.array ?? []).compactMap(\.int)
      guard numbers.count == 4, numbers[0] == offset, numbers[1] > 0, numbers[1] <= dataEnd - offset,
        numbers[2] == row, numbers[3] > 0, numbers[3] <= counts.rows - row
      else { throw TokenShardError(.damaged("the index's blocks do not fit together"), file: path) }
      blocks.append(.init(offset: offset, size: numbers[1], firstRow: row, rows: numbers[3]))
      offset += numbers[1]
      row += numbers[3]
    }
    guard row == counts.rows, offset == dataEnd else {
      throw TokenShardError(.damaged("the index does not cover the rows"), file: path)
    }
    return (counts, blocks, (json["sources"]?.array ?? []).compactMap(\.string))
  }

  package var rowCount: Int { counts.rows }

  /// The row with the given number, from 0.
  package func row(_ number: Int) throws -> TokenRow {
    guard number >= 0, number < rowCount else {
      throw TokenShardError(.noSuchRow(number, count: rowCount), file: path)
    }
    // The last block that starts at or before the row.
    var low = 0
    var high = blocks.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if blocks[middle].firstRow <= number { low = middle } else { high = middle - 1 }
    }
    return try rows(ofBlock: low)[number - blocks[low].firstRow]
  }

  /// All rows in order.
  package func allRows() throws -> [TokenRow] {
    var all: [TokenRow] = []
    all.reserveCapacity(rowCount)
    for block in blocks.indices { all += try rows(ofBlock: block) }
    return all
  }

  private func rows(ofBlock number: Int) throws -> [TokenRow] {
    if let current, current.block == number { return current.rows }
    let block = blocks[number]
    let expanded = try Self.expand(bytes, block.offset..<block.offset + block.size, path)
    guard let rows = TokenShardLayout.rows(expanded, count: block.rows, sources: sources) else {
      throw TokenShardError(
        .damaged("block \(number) does not hold \(block.rows) whole rows"), file: path, byteOffset: block.offset)
    }
    current = (number, rows)
    return rows
  }

  private static func expand(_ bytes: [UInt8], _ range: Range<Int>, _ path: String) throws -> [UInt8] {
    do throws(ZstandardError) {
      return try bytes.withUnsafeBytes { raw in
        Result { () throws(ZstandardError) in
          try decompressZstandard(
            UnsafeRawBufferPointer(rebasing: raw[range]), limit: TokenShardLayout.expansionLimit)
        }
      }.get()
    } catch {
      throw TokenShardError(.damaged(error.detail), file: path, byteOffset: range.lowerBound)
    }
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    func systemError() -> TokenShardError {
      TokenShardError(.system(code: String(cString: strerror(errno))), file: path)
    }
    guard let file = fopen(path, "rbe") else { throw systemError() }
    defer { fclose(file) }
    var status = stat()
    guard fstat(fileno(file), &status) == 0 else { throw systemError() }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    guard fread(&bytes, 1, bytes.count, file) == bytes.count else { throw systemError() }
    return bytes
  }
}
