import Crypto

/// Cuts a stream of records into groups at boundaries that the content decides.
///
/// A group ends after a record whose hash has its low bits clear, so an insertion, removal or edit moves the boundaries
/// near it and no others: appending rows changes the last group alone. Groups are the units that are rendered,
/// tokenised and published by themselves.
package struct RecordGrouper {
  /// Groups have at least this many records, but for the last one.
  package static let minimum = 64
  /// And on average about this many more; a power of two.
  package static let average = 512
  /// And never more than this.
  package static let maximum = 2048

  private var current: [String] = []

  package init() {}

  /// Adds a record's canonical line; gives the finished group when it ends here.
  package mutating func append(_ line: String) -> [String]? {
    current.append(line)
    let ends = current.count >= Self.minimum && stableHash(line, salt: "group") % UInt64(Self.average) == 0
    guard ends || current.count >= Self.maximum else { return nil }
    return finish()
  }

  /// The records of the last, unfinished group; nil when there are none.
  package mutating func finish() -> [String]? {
    defer { current = [] }
    return current.isEmpty ? nil : current
  }
}

/// Sixty-four bits of a text that are the same on every machine for ever: the head of a SHA-256.
///
/// - Parameter salt: Keeps uses independent of each other.
func stableHash(_ text: String, salt: String) -> UInt64 {
  var hash = SHA256()
  hash.update(data: Array("anneal/\(salt)/v1\0".utf8))
  hash.update(data: Array(text.utf8))
  return hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
}
