import Tensors

/// Token ids with the mark which of them are labels.
package struct LabelledSequence: Sendable, Hashable {
  package var ids: [Int32]
  /// As many as `ids`.
  package var lossMask: [Bool]
  /// What each counts as a label, as many as `ids`; empty where all count 1.
  package var weights: [Float]

  package init(ids: [Int32], lossMask: [Bool], weights: [Float] = []) {
    precondition(ids.count == lossMask.count, "every id has a mark")
    self.ids = ids
    self.lossMask = lossMask
    self.weights = weights
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
  /// [L] what each label counts.
  package let weights: [Float]
  /// The tokens of the sequences given, with those left out and those shared counted every time.
  package let tokenCount: Int

  /// L.
  package var labelCount: Int { targets.count }

  /// What is read of each sequence, which of it are label positions, and how long the sequence is.
  private let texts: [(ids: ArraySlice<Int32>, labels: [Int], length: Int)]
  private let sharesPrefixes: Bool

  /// - Parameter sharesPrefixes: Whether sequences that begin alike share tokens; they must not where dropout gives each
  ///   its own.
  package init(_ sequences: some Sequence<LabelledSequence>, sharesPrefixes: Bool = true) {
    var texts: [(ids: ArraySlice<Int32>, labels: [Int], length: Int)] = []
    var targets: [Int32] = []
    var weights: [Float] = []
    var tokenCount = 0
    for sequence in sequences {
      tokenCount += sequence.ids.count
      // Position 0 may be marked and is no target.
      guard let last = sequence.lossMask.lastIndex(of: true), last > 0 else { continue }
      let wanted = (1...last).filter { sequence.lossMask[$0] }
      texts.append((sequence.ids[..<last], wanted.map { $0 - 1 }, sequence.ids.count))
      targets += wanted.map { sequence.ids[$0] }
      weights += wanted.map { sequence.weights.isEmpty ? 1 : sequence.weights[$0] }
    }
    self.init(texts, targets, weights, tokenCount, sharesPrefixes, boundary: nil)
  }

  private init(
    _ texts: [(ids: ArraySlice<Int32>, labels: [Int], length: Int)], _ targets: [Int32], _ weights: [Float],
    _ tokenCount: Int, _ sharesPrefixes: Bool, boundary: Int?
  ) {
    let tree = PrefixTree(
      texts.map(\.ids), ownFrom: texts.map { sharesPrefixes ? $0.labels[0] : 0 },
      isApart: texts.map { text in boundary.map { text.length > $0 } ?? false })
    var lengths = [Int](repeating: 0, count: tree.segments.count)
    for (text, leaf) in zip(texts, tree.leaves) { lengths[leaf] = text.length }
    layout = SequenceLayout(
      segments: tree.segments.map { (count: $0.tokens.count, parent: $0.parent) }, textLengths: lengths)
    ids = tree.segments.flatMap { texts[$0.sequence].ids[$0.tokens] }
    labelRows = zip(texts, tree.leaves).flatMap { [layout] text, leaf in
      text.labels.map { Int32(layout.segments[leaf].start + $0 - layout.segments[leaf].position) }
    }
    self.texts = texts
    self.targets = targets
    self.weights = weights
    self.tokenCount = tokenCount
    self.sharesPrefixes = sharesPrefixes
  }

  /// The same sequences, of which those with more tokens than `boundary` share none with the others.
  func divided(at boundary: Int) -> PackedBatch {
    guard sharesPrefixes, Set(texts.map { $0.length > boundary }).count == 2 else { return self }
    return PackedBatch(texts, targets, weights, tokenCount, sharesPrefixes, boundary: boundary)
  }
}
