import Datasets
import Testing

/// Chunks of rows are cut by the rows' bytes, wherever the rows stand.
struct ChunkTests {
  private func hashes(_ text: String, limit: Int = .max) throws -> [(rows: Int, hash: String)] {
    var text = text
    return try text.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      var chunker = RowChunker(bytes, shape: try FileShape(bytes, file: "f", isText: false), limit: limit)
      var found: [(Int, String)] = []
      while let chunk = chunker.next() {
        #expect(chunk.firstRow == found.reduce(1) { $0 + $1.0 })
        found.append((chunk.rows.count, RowDigest.joined(chunk.rows.map { RowDigest($0, in: bytes) })))
      }
      return found
    }
  }

  private static let rows = (0..<9000).map { number in
    #"{"text":"row \#(number) \#(String(repeating: "x", count: number * 7919 % 900))"}"#
  }

  @Test func appendingAndEditingChangeFewChunks() throws {
    let rows = Self.rows
    let before = try hashes(rows.joined(separator: "\n"))
    #expect(before.count >= 3 && before.map(\.rows).reduce(0, +) == 9000, "\(before)")
    let appended = try hashes((rows + [#"{"text":"one more"}"#]).joined(separator: "\n"))
    #expect(appended.dropLast().map(\.hash).elementsEqual(before.dropLast().map(\.hash)))
    var edited = rows
    edited[4000] = #"{"text":"edited"}"#
    let known = Set(before.map(\.hash))
    #expect(try hashes(edited.joined(separator: "\n")).filter { !known.contains($0.hash) }.count <= 2)
    edited.removeFirst()
    #expect(try hashes(edited.joined(separator: "\n")).filter { !known.contains($0.hash) }.count <= 4)
  }

  /// A list over many lines has the same rows as lines have, so they are known there.
  @Test func listsAndLinesHaveTheSameChunks() throws {
    let lines = try hashes(Self.rows.joined(separator: "\n")).map(\.hash)
    #expect(try hashes("[\n" + Self.rows.joined(separator: ",\n") + "\n]").map(\.hash) == lines)
  }

  @Test func aLimitCutsTheLastChunk() throws {
    let all = try hashes(Self.rows.joined(separator: "\n"))
    let some = try hashes(Self.rows.joined(separator: "\n"), limit: all[0].rows + 5)
    #expect(some.map(\.rows) == [all[0].rows, 5] && some[0].hash == all[0].hash)
  }
}
