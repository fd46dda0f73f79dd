/// One merge as text, such as `Ġ t`.
enum MergeLine {
  struct UnknownToken: Error {
    let token: String
  }

  /// Moves what follows the only space of `left` to `right`; false when there is not exactly one space.
  static func cut(_ left: inout [UInt8], _ right: inout [UInt8]) -> Bool {
    guard let space = left.firstIndex(of: 0x20), !left[(space + 1)...].contains(0x20), space > 0,
      space + 1 < left.count
    else { return false }
    right.removeAll(keepingCapacity: true)
    right.append(contentsOf: left[(space + 1)...])
    left.removeLast(left.count - space)
    return true
  }

  /// Appends a merge; both sides and their joint must be tokens.
  ///
  /// - Parameter left: Holds the joint afterwards.
  static func append(
    _ left: inout [UInt8], _ right: [UInt8], _ vocabulary: Vocabulary, to merges: inout [MergeTable.Merge]
  ) throws(UnknownToken) {
    guard let leftID = vocabulary.id(of: left) else { throw unknown(left) }
    guard let rightID = vocabulary.id(of: right) else { throw unknown(right) }
    left.append(contentsOf: right)
    guard let result = vocabulary.id(of: left) else { throw unknown(left) }
    merges.append(MergeTable.Merge(left: leftID, right: rightID, result: result))
  }

  private static func unknown(_ token: [UInt8]) -> UnknownToken {
    UnknownToken(token: String(decoding: token, as: UTF8.self))
  }
}
