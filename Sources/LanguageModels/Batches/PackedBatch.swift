import Tensors

/// Token ids with the mark which of them are labels.
package struct LabelledSequence: Sendable, Hashable {
  package var ids: [Int32]
  /// As many as `ids`.
  package var trained: [Bool]

  package init(ids: [Int32], trained: [Bool]) {
    precondition(ids.count == trained.count, "every id has a mark")
    self.ids = ids
    self.trained = trained
  }

  /// The tokens that have something to predict: position t predicts t+1, and so the first token is never a target.
  package var labelCount: Int { trained.dropFirst().count { $0 } }
}

/// Sequences laid one after the other, as the model reads them, and the positions whose next token is a label.
///
/// Attention never crosses from one sequence to the next and there is no padding. What follows the last label of a
/// sequence (and the last label itself, which nothing predicts from) cannot change the loss and is left out.
package struct PackedBatch: Sendable {
  /// [T].
  package let ids: [Int32]
  package let layout: SequenceLayout
  /// [L] rows of `ids`, ascending.
  package let labelRows: [Int32]
  /// [L] the token that follows each label row.
  package let targets: [Int32]
  /// The tokens of the sequences given, those left out included.
  package let tokenCount: Int

  /// L.
  package var labelCount: Int { targets.count }

  package init(_ sequences: some Sequence<LabelledSequence>) {
    var ids: [Int32] = []
    var lengths: [Int] = []
    var labelRows: [Int32] = []
    var targets: [Int32] = []
    var tokenCount = 0
    for sequence in sequences {
      tokenCount += sequence.ids.count
      // Position 0 may be marked and is no target.
      guard let last = sequence.trained.lastIndex(of: true), last > 0 else { continue }
      for target in 1...last where sequence.trained[target] {
        labelRows.append(Int32(ids.count + target - 1))
        targets.append(sequence.ids[target])
      }
      ids.append(contentsOf: sequence.ids[..<last])
      lengths.append(last)
    }
    self.ids = ids
    layout = SequenceLayout(lengths: lengths)
    self.labelRows = labelRows
    self.targets = targets
    self.tokenCount = tokenCount
  }
}
