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

  /// Enters a merge; both sides and their joint must be tokens.
  static func insert(
    _ left: [UInt8], _ right: [UInt8], rank: Int, _ vocabulary: Vocabulary, into table: MergeTable
  ) throws(UnknownToken) {
    guard let leftID = vocabulary.id(of: left) else { throw unknown(left) }
    guard let rightID = vocabulary.id(of: right) else { throw unknown(right) }
    let joint = left + right
    guard let result = vocabulary.id(of: joint) else { throw unknown(joint) }
    table.insert(leftID, rightID, rank: rank, result: result)
  }

  private static func unknown(_ token: [UInt8]) -> UnknownToken {
    UnknownToken(token: String(decoding: token, as: UTF8.self))
  }
}
