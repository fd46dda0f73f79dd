/// How the tokens of a packed batch form sequences: attention is causal inside each one and never crosses a border,
/// positions start at 0 in each.
package struct SequenceLayout: Sendable, Hashable {
  /// Tokens of each sequence, in the order of the rows.
  package let lengths: [Int]
  /// The row at which each sequence starts.
  package let starts: [Int]
  /// All tokens: the rows of every [T, …] array.
  package let tokenCount: Int
  /// The position of each token inside its sequence.
  package let positions: [Int32]

  package init(lengths: [Int]) {
    precondition(lengths.allSatisfy { $0 >= 0 }, "Lengths of sequences are not negative, found \(lengths)")
    self.lengths = lengths
    var starts: [Int] = []
    var total = 0
    for length in lengths {
      starts.append(total)
      total += length
    }
    self.starts = starts
    tokenCount = total
    positions = lengths.flatMap { Array(0..<Int32($0)) }
  }

  /// The most tokens in one sequence.
  package var longest: Int { lengths.max() ?? 0 }
}
