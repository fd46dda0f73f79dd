/// The segments that sequences are made of when those that begin alike share what they begin with.
///
/// Sequences share tokens only in front of their first label position, so that what is predicted from a shared token
/// belongs to none of them. Cost: every token is looked at once.
package struct PrefixTree {
  struct Segment {
    /// A sequence that goes through the segment, and which of its tokens the segment has.
    var sequence: Int
    var tokens: Range<Int>
    /// The segment before this one, which stands before it in the list too.
    var parent: Int?
  }

  /// The fewest tokens that are shared: fewer cost about as much in attention's smaller tiles as they save.
  package static let shortest = 16

  private(set) var segments: [Segment] = []
  /// The last segment of each sequence; its own alone.
  private(set) var leaves: [Int]
  private let ids: [ArraySlice<Int32>]
  private let ownFrom: [Int]

  /// - Parameters:
  ///   - ids: The tokens of each sequence, from index 0.
  ///   - ownFrom: The first token of each sequence that it does not share, below its count.
  ///   - isApart: Sequences that share none with the others.
  init(_ ids: [ArraySlice<Int32>], ownFrom: [Int], isApart: [Bool]) {
    self.ids = ids
    self.ownFrom = ownFrom
    leaves = [Int](repeating: 0, count: ids.count)
    for apart in [false, true] { grow(ids.indices.filter { isApart[$0] == apart }, placed: 0, known: 0, after: nil) }
  }

  /// - Parameters:
  ///   - members: Sequences that go through `parent`.
  ///   - placed: The tokens of each that the segments up to `parent` hold.
  ///   - known: The tokens in which they are alike, at least.
  private mutating func grow(_ members: [Int], placed: Int, known: Int, after parent: Int?) {
    for group in groups(of: members, at: known) {
      if group.count == 1 {
        leaves[group[0]] = segments.count
        segments.append(Segment(sequence: group[0], tokens: placed..<ids[group[0]].count, parent: parent))
        continue
      }
      let end = commonEnd(of: group, from: known)
      if end - placed >= Self.shortest {
        segments.append(Segment(sequence: group[0], tokens: placed..<end, parent: parent))
        grow(group, placed: end, known: end, after: segments.count - 1)
      } else {
        grow(group, placed: placed, known: end, after: parent)
      }
    }
  }

  /// Members that go on with the same token, in the order of their first; one that shares no more is alone.
  private func groups(of members: [Int], at index: Int) -> [[Int]] {
    var groups: [[Int]] = []
    var places: [Int32: Int] = [:]
    for member in members {
      guard index < ownFrom[member] else {
        groups.append([member])
        continue
      }
      let id = token(member, index)
      if let place = places[id] {
        groups[place].append(member)
      } else {
        places[id] = groups.count
        groups.append([member])
      }
    }
    return groups
  }

  private func commonEnd(of group: [Int], from start: Int) -> Int {
    var end = start
    while group.allSatisfy({ end < ownFrom[$0] && token($0, end) == token(group[0], end) }) { end += 1 }
    return end
  }

  private func token(_ sequence: Int, _ index: Int) -> Int32 { ids[sequence][index] }
}
