/// Merges as they are read, by rank: pairs of texts that become ids.
struct MergeList {
  private(set) var merges: [MergeTable.Merge] = []
  private let vocabulary: Vocabulary
  private var joint: [UInt8] = []

  struct UnknownToken: Error {
    let token: String
  }

  init(_ vocabulary: Vocabulary, expected: Int) {
    self.vocabulary = vocabulary
    merges.reserveCapacity(expected)
  }

  /// The two sides of a merge written as `Ġ t`; nil when there is not exactly one space between two texts.
  static func sides(
    of line: UnsafeBufferPointer<UInt8>
  ) -> (left: UnsafeBufferPointer<UInt8>, right: UnsafeBufferPointer<UInt8>)? {
    guard let space = line.firstIndex(of: 0x20), space > 0, space + 1 < line.count else { return nil }
    let right = UnsafeBufferPointer(rebasing: line[(space + 1)...])
    return right.contains(0x20) ? nil : (UnsafeBufferPointer(rebasing: line[..<space]), right)
  }

  /// Appends a merge; both sides and their joint must be tokens.
  ///
  /// Training numbers tokens in the order of the merges that make them, so the joint is first looked for right after the
  /// last one.
  mutating func append(
    _ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>
  ) throws(UnknownToken) {
    guard let leftID = vocabulary.id(of: left) else { throw Self.unknown(left) }
    guard let rightID = vocabulary.id(of: right) else { throw Self.unknown(right) }
    var result = (merges.last?.result ?? 0) + 1
    if !vocabulary.isToken(result, left, right) {
      joint.removeAll(keepingCapacity: true)
      joint.append(contentsOf: left)
      joint.append(contentsOf: right)
      guard let found = vocabulary.id(of: joint) else {
        throw UnknownToken(token: String(decoding: joint, as: UTF8.self))
      }
      result = found
    }
    merges.append(MergeTable.Merge(left: leftID, right: rightID, result: result))
  }

  private static func unknown(_ token: UnsafeBufferPointer<UInt8>) -> UnknownToken {
    UnknownToken(token: String(decoding: token, as: UTF8.self))
  }
}
