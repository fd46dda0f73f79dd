/// How the tokens of a packed batch form sequences: attention is causal inside each one and never crosses to another,
/// positions start at 0 in each.
///
/// Sequences that begin alike may share the tokens they begin with: the layout is a tree of segments, and a token sees
/// its own segment up to itself and all of the segments above it.
package struct SequenceLayout: Sendable, Hashable {
  /// A run of tokens in neighbouring rows.
  package struct Segment: Sendable, Hashable {
    /// The row of the first token.
    package let start: Int
    package let count: Int
    /// The position of the first token in every sequence that goes through the segment.
    package let position: Int
    /// The segments before this one in its sequences, the first one first.
    package let ancestors: [Int]
    /// How many tokens the longest of its sequences has, with those behind the last one that is computed.
    package let textLength: Int
  }

  package let segments: [Segment]
  /// All tokens: the rows of every [T, …] array.
  package let tokenCount: Int
  /// The position of each token inside its sequences.
  package let positions: [Int32]
  /// How many tokens of every sequence rotary positions leave as they are, from the first one on.
  package let unturned: Int

  /// Sequences that share nothing.
  package init(lengths: [Int]) { self.init(segments: lengths.map { (count: $0, parent: nil) }) }

  /// Segments in the order of their rows.
  ///
  /// - Parameters:
  ///   - segments: The number of tokens of each, and which of the segments before it goes before it in its sequences; nil
  ///     starts a sequence.
  ///   - textLengths: How long the sequences are that end with each segment, where more than what is computed counts.
  ///   - unturned: How many tokens of every sequence rotary positions leave as they are, from the first one on.
  package init(segments: [(count: Int, parent: Int?)], textLengths: [Int]? = nil, unturned: Int = 0) {
    self.unturned = unturned
    var ends: [Int] = []
    for (index, segment) in segments.enumerated() {
      precondition(segment.count >= 0, "Lengths of segments are not negative, found \(segment.count)")
      ends.append((segment.parent.map { ends[$0] } ?? 0) + segment.count)
      if let length = textLengths?[index] { ends[index] = max(ends[index], length) }
    }
    var lengths = ends
    for (index, segment) in segments.enumerated().reversed() {
      if let parent = segment.parent { lengths[parent] = max(lengths[parent], lengths[index]) }
    }
    var made: [Segment] = []
    var start = 0
    for (index, (count, parent)) in segments.enumerated() {
      let before = parent.map { made[$0] }
      made.append(
        Segment(
          start: start, count: count, position: before.map { $0.position + $0.count } ?? 0,
          ancestors: (before?.ancestors ?? []) + (parent.map { [$0] } ?? []), textLength: lengths[index]))
      start += count
    }
    self.segments = made
    tokenCount = start
    positions = made.flatMap { Array(Int32($0.position)..<Int32($0.position + $0.count)) }
  }

  /// The most tokens in one sequence.
  package var longest: Int { segments.map { $0.position + $0.count }.max() ?? 0 }
}
