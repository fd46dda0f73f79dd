import PreciseJSON
import TokenShards

/// A record group as a file: its records' canonical lines, as one zstd frame.
package enum GroupFile {
  /// The most bytes a group may expand to.
  private static let expansionLimit = 1 << 31

  /// The member name of the group with a number, such as `groups/00003.jsonl.zst`.
  package static func name(_ number: Int) -> String {
    let digits = String(number)
    return "groups/" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".jsonl.zst"
  }

  /// The file's bytes.
  package static func bytes(lines: [String]) throws -> [UInt8] {
    var text: [UInt8] = []
    for line in lines {
      text.append(contentsOf: line.utf8)
      text.append(0x0A)
    }
    return try compressZstandard(text)
  }

  /// The lines of a group file's bytes.
  package static func lines(_ bytes: UnsafeRawBufferPointer, file: String) throws -> [String] {
    let text: [UInt8]
    do {
      text = try decompressZstandard(bytes, limit: expansionLimit)
    } catch {
      throw DatasetError(.damagedGroup(reason: error.detail), file: file)
    }
    return text.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The records of a group file's lines, each with the name of its source where it has one.
  package static func records(_ lines: [String], file: String) throws -> [(record: Record, source: String?)] {
    try lines.map { line in
      let json = try JSON(parsing: line, file: file)
      guard let record = Record(json: json) else {
        throw DatasetError(.damagedGroup(reason: "a line is not a record"), file: file)
      }
      return (record, json[Record.source]?.string)
    }
  }
}
