import Tensors

/// Token ids with the mark which of them are labels.
package struct LabelledSequence: Sendable, Hashable {
  package var ids: [Int32]
  /// As many as `ids`.
  package var lossMask: [Bool]

  package init(ids: [Int32], lossMask: [Bool]) {
    precondition(ids.count == lossMask.count, "every id has a mark")
    self.ids = ids
    self.lossMask = lossMask
  }

  /// The tokens that have something to predict: position t predicts t+1, and so the first token is never a target.
  package var labelCount: Int { lossMask.dropFirst().count { $0 } }
}

/// Sequences laid out as the model reads them, and the positions whose next token is a label.
///
/// Attention never crosses from one sequence to the next and there is no padding. What follows the last label of a
/// sequence (and the last label itself, which nothing predicts from) cannot change the loss and is left out. What
/// sequences begin with in common (a system text, the prompt of two answers) stands there once; see ``PrefixTree``. Loss
/// and gradients are those of sequences that stand alone, up to the order of sums.
package struct PackedBatch: Sendable {
  /// [T].
  package let ids: [Int32]
  package let layout: SequenceLayout
  /// [L] rows of `ids`, sequence after sequence.
  package let labelRows: [Int32]
  /// [L] the token that follows each label row.
  package let targets: [Int32]
  /// The tokens of the sequences given, with those left out and those shared counted every time.
  package let tokenCount: Int

  /// L.
  package var labelCount: Int { targets.count }

  /// - Parameter sharesPrefixes: Whether sequences that begin alike share tokens; they must not where dropout gives each
  ///   its own.
  package init(_ sequences: some Sequence<LabelledSequence>, sharesPrefixes: Bool = true) {
    var read: [ArraySlice<Int32>] = []
    var labels: [[Int]] = []
    var targets: [Int32] = []
    var tokenCount = 0
    for sequence in sequences {
      tokenCount += sequence.ids.count
      // Position 0 may be marked and is no target.
      guard let last = sequence.lossMask.lastIndex(of: true), last > 0 else { continue }
      let wanted = (1...last).filter { sequence.lossMask[$0] }
      read.append(sequence.ids[..<last])
      labels.append(wanted.map { $0 - 1 })
      targets += wanted.map { sequence.ids[$0] }
    }
    let tree = PrefixTree(read, ownFrom: labels.map { sharesPrefixes ? $0[0] : 0 })
    layout = SequenceLayout(segments: tree.segments.map { (count: $0.tokens.count, parent: $0.parent) })
    ids = tree.segments.flatMap { read[$0.sequence][$0.tokens] }
    labelRows = zip(labels, tree.leaves).flatMap { [layout] labels, leaf in
      labels.map { Int32(layout.segments[leaf].start + $0 - layout.segments[leaf].position) }
    }
    self.targets = targets
    self.tokenCount = tokenCount
  }
}
