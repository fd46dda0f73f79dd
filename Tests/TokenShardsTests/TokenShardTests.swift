import Diagnostics
import Foundation
import PreciseJSON
import TestKit
import Testing
import TokenShards

@Suite("Token shards")
struct TokenShardTests {
  private static let margins: [Float] = [0, 0, 0.25]
  private static let columns: [String?] = [nil, nil, #"{"a":1}"#, #"{"é 𝄞":[12345678901234567890.10,{"b":null}]}"#]

  /// Rows of one to three sequences with random ids, marks and roles, some with a margin and some with columns.
  private static func rows(_ count: Int, longest: Int, seed: UInt64) -> [TokenRow] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      TokenRow(
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
          let length = Int.random(in: 0...longest, using: &random)
          return TokenSequence(
            role: TokenSequence.Role.allCases.randomElement(using: &random) ?? .sample,
            ids: (0..<length).map { _ in Int32.random(in: 0...200_000, using: &random) },
            lossMask: (0..<length).map { _ in Bool.random(using: &random) })
        }, margin: margins.randomElement(using: &random) ?? 0, columns: columns.randomElement(using: &random) ?? nil)
    }
  }

  @discardableResult
  private static func write(_ rows: [TokenRow], to path: String) throws -> TokenCounts {
    let writer = try TokenShardWriter(path: path)
    for row in rows { try writer.append(row) }
    return try writer.finish()
  }

  @Test("rows come back as they were, in order and out of order", arguments: [0, 1, 7, 700])
  func roundTrip(count: Int) throws {
    let folder = try TemporaryFolder()
    let rows = Self.rows(count, longest: 300, seed: 3)
    let counts = try Self.write(rows, to: folder.path("a"))
    let reader = try TokenShardReader(path: folder.path("a"))
    #expect(reader.counts == counts)
    #expect(reader.rowCount == count)
    #expect(counts.tokens == rows.reduce(0) { $0 + $1.tokenCount })
    #expect(counts.labels == rows.reduce(0) { $0 + $1.labelCount })
    #expect(counts.sequences == rows.reduce(0) { $0 + $1.sequences.count })
    #expect(try reader.allRows() == rows)
    for index in (0..<count).reversed() where index % 13 == 0 { #expect(try reader.row(index) == rows[index]) }
  }

  @Test("weights stand where some is not 1")
  func weights() throws {
    let folder = try TemporaryFolder()
    let marks = [true, false, true, true]
    let plain = [TokenRow([TokenSequence(ids: [1, 2, 3, 4], lossMask: marks)])]
    let ones = [TokenRow([TokenSequence(ids: [1, 2, 3, 4], lossMask: marks, weights: [1, 1, 1, 1])])]
    let some = [TokenRow([TokenSequence(role: .sample, ids: [1, 2, 3, 4], lossMask: marks, weights: [1, 1, 0.5, 2])])]
    #expect(try Self.write(plain, to: folder.path("a")).json["weighted_labels"] == nil)
    try Self.write(ones, to: folder.path("b"))
    #expect(FileManager.default.contentsEqual(atPath: folder.path("a"), andPath: folder.path("b")))
    let counts = try Self.write(some + plain, to: folder.path("c"))
    #expect(counts.weighted == 2)
    #expect(TokenCounts(json: counts.json) == counts)
    #expect(try TokenShardReader(path: folder.path("c")).allRows() == some + plain)
    #expect(some[0].labelWeight == 2.5 && plain[0].labelWeight == 2)
  }

  @Test("the same rows give the same bytes")
  func determinism() throws {
    let folder = try TemporaryFolder()
    let rows = Self.rows(200, longest: 500, seed: 4)
    try Self.write(rows, to: folder.path("a"))
    try Self.write(rows, to: folder.path("b"))
    #expect(FileManager.default.contentsEqual(atPath: folder.path("a"), andPath: folder.path("b")))
  }

  @Test("a first token is never a label")
  func labels() {
    #expect(TokenSequence(ids: [1, 2, 3], lossMask: [true, false, true]).labelCount == 1)
    #expect(TokenSequence(ids: [], lossMask: []).labelCount == 0)
  }

  @Test("counts survive JSON, and refuse what is not a count")
  func countsJSON() {
    var counts = TokenCounts()
    for row in Self.rows(20, longest: 20, seed: 5) { counts.add(row) }
    #expect(TokenCounts(json: counts.json) == counts)
    #expect(TokenCounts(json: ["rows": 1]) == nil)
    #expect(counts.wanted > 0 && counts.unwanted > 0 && counts.prompts > 0)
    var texts = TokenCounts()
    texts.add(TokenRow([TokenSequence(ids: [1, 2], lossMask: [false, true])]))
    #expect(texts.json.object?.keys == ["rows", "sequences", "tokens", "labels", "longest_sequence", "longest_row"])
    var broken = counts.json.object ?? JSONObject()
    broken["wanted"] = -1
    #expect(TokenCounts(json: .object(broken)) == nil)
  }

  @Test("every flipped bit is noticed")
  func flippedBits() throws {
    let folder = try TemporaryFolder()
    let rows = Self.rows(5, longest: 30, seed: 6)
    try Self.write(rows, to: folder.path("a"))
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("a"))))
    var unnoticed: [Int] = []
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << bit
        try Data(damaged).write(to: URL(fileURLWithPath: folder.path("b")))
        // What still reads as the very same rows is no loss: zstd leaves some header bits unused.
        if let read = try? TokenShardReader(path: folder.path("b")).allRows(), read != rows { unnoticed.append(index) }
      }
    }
    #expect(unnoticed == [])
  }

  @Test("every shortened file is refused")
  func truncated() throws {
    let folder = try TemporaryFolder()
    try Self.write(Self.rows(5, longest: 30, seed: 6), to: folder.path("a"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path("a")))
    for count in 0..<bytes.count {
      try bytes.prefix(count).write(to: URL(fileURLWithPath: folder.path("b")))
      #expect(throws: TokenShardError.self) { try TokenShardReader(path: folder.path("b")) }
    }
  }

  @Test("random damage never crashes")
  func fuzz() throws {
    let folder = try TemporaryFolder()
    let rows = Self.rows(20, longest: 60, seed: 7)
    try Self.write(rows, to: folder.path("a"))
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("a"))))
    var random = SeededGenerator(seed: 8)
    for _ in 0..<3000 {
      try Data(random.damaged(bytes)).write(to: URL(fileURLWithPath: folder.path("b")))
      if let read = try? TokenShardReader(path: folder.path("b")).allRows() { #expect(read == rows) }
    }
  }

  /// A shard of one block with these bytes.
  private static func shard(_ block: [UInt8], rows: Int) throws -> [UInt8] {
    func integer(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
    let frame = try compressZstandard(block)
    let counts = #"{"rows":\#(rows),"sequences":0,"tokens":0,"labels":0,"longest_sequence":0,"longest_row":0}"#
    let index = #"{"version":1,"counts":\#(counts),"blocks":[[8,\#(frame.count),0,\#(rows)]]}"#
    let end = try compressZstandard(Array(index.utf8))
    return Array("ANTOKENS".utf8) + frame + end + integer(end.count) + Array("ANTOKEND".utf8)
  }

  private static func block(_ head: [UInt8], _ text: String = "", _ tail: [UInt8] = []) -> [UInt8] {
    head + Array(text.utf8) + tail
  }

  /// Bit 30 of the count, a size, and the text; after the margin where there is one.
  @Test(
    "columns are an object of JSON that lies in the block",
    arguments: [
      (block([0, 0, 0, 0x40, 7, 0, 0, 0], #"{"a":1}"#), #"{"a":1}"#, 0),
      (block([0, 0, 0, 0xC0, 0, 0, 0x80, 0x3F, 2, 0, 0, 0], "{}"), "{}", 1),
      // The size ends, is more than there is, or less than the text.
      (block([0, 0, 0, 0x40, 7, 0]), nil, 0),
      (block([0, 0, 0, 0x40, 8, 0, 0, 0], #"{"a":1}"#), nil, 0),
      (block([0, 0, 0, 0x40, 255, 255, 255, 255], #"{"a":1}"#), nil, 0),
      (block([0, 0, 0, 0x40, 6, 0, 0, 0], #"{"a":1}"#), nil, 0),
      // No UTF-8, no JSON, no object, nothing.
      (block([0, 0, 0, 0x40, 7, 0, 0, 0], "{\"", [0xFF, 0x22, 0x3A, 0x31, 0x7D]), nil, 0),
      (block([0, 0, 0, 0x40, 7, 0, 0, 0], #"{"a":1,"#), nil, 0),
      (block([0, 0, 0, 0x40, 3, 0, 0, 0], "[1]"), nil, 0),
      (block([0, 0, 0, 0x40, 0, 0, 0, 0]), nil, 0),
    ] as [([UInt8], String?, Float)])
  func columns(block: [UInt8], columns: String?, margin: Float) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a")
    try Data(Self.shard(block, rows: 1)).write(to: URL(fileURLWithPath: path))
    let reader = try TokenShardReader(path: path)
    guard let columns else {
      #expect(
        throws: TokenShardError(.damaged("block 0 does not hold 1 whole rows"), file: path, byteOffset: 8)
      ) { try reader.row(0) }
      return
    }
    let row = TokenRow([], margin: margin, columns: columns)
    #expect(try reader.row(0) == row)
    // The writer's are the same bytes, but for counts in the index.
    let writer = try TokenShardWriter(path: folder.path("b"))
    try writer.append(row)
    _ = try writer.finish()
    let frame = try compressZstandard(block)
    let written = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("b"))))
    #expect(written.dropFirst(8).starts(with: frame))
  }

  @Test("long columns close blocks, so that no block grows without bound")
  func longColumns() throws {
    let folder = try TemporaryFolder()
    let text = JSON([(key: "a", value: JSON(String(repeating: "x", count: 100_000)))]).text()
    try Self.write([TokenRow](repeating: TokenRow([], columns: text), count: 9), to: folder.path("a"))
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("a"))))
    let size = bytes.suffix(12).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    let index = try bytes.dropLast(12).suffix(size).withUnsafeBytes { try decompressZstandard($0, limit: 1 << 20) }
    #expect(try JSON(parsing: index, file: "index")["blocks"]?.array?.count == 3)
    #expect(
      try TokenShardReader(path: folder.path("a")).allRows().map(\.columns) == [String](repeating: text, count: 9))
  }

  @Test("an unfinished shard leaves no file")
  func unfinished() throws {
    let folder = try TemporaryFolder()
    do {
      let writer = try TokenShardWriter(path: folder.path("a"))
      try writer.append(TokenRow([TokenSequence(ids: [1], lossMask: [true])]))
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("a")))
  }

  @Test("errors say what is wrong")
  func words() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("not tokens", to: "x")
    func message(_ body: () throws -> Void) -> String {
      do { try body() } catch { return diagnostics(of: error).rendered() }
      return "nothing thrown"
    }
    #expect(
      message { _ = try TokenShardReader(path: path) } == """
        \(path): error: This is not a token shard
          why: it does not start with `ANTOKENS`
        """)
    #expect(
      message { _ = try TokenShardReader(path: folder.path("none")) } == """
        \(folder.path("none")): error: The token shard cannot be read or written
          why: No such file or directory
        """)
    #expect(message { _ = try TokenShardReader(path: folder.path) }.contains("Is a directory"))
    try Self.write([TokenRow([TokenSequence(ids: [1], lossMask: [true])])], to: folder.path("a"))
    #expect(
      message { _ = try TokenShardReader(path: folder.path("a")).row(1) } == """
        \(folder.path("a")): error: The token shard has no row 1
          why: it has 1 rows
        """)
  }
}
