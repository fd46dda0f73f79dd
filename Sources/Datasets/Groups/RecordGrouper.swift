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

  /// Records of the group that has not ended.
  private var count = 0

  package init() {}

  /// Whether a group may end behind a record.
  ///
  /// - Parameter line: The record's canonical line.
  package static func marksEnd(_ line: String) -> Bool { stableHash(line, salt: "group") % UInt64(average) == 0 }

  /// Adds a record, and says whether the group ends behind it.
  package mutating func endsGroup(isMarked: Bool) -> Bool {
    count += 1
    guard isMarked && count >= Self.minimum || count >= Self.maximum else { return false }
    count = 0
    return true
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
