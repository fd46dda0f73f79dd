import TokenShards

/// Prompts with an answer that was given to another prompt: what the divergence from a reference is estimated with.
///
/// A function of the set alone, not of the order in which its rows are seen: row i takes the answer of the nearest row
/// before it that has another prompt, the first rows those of the last. What would be longer than the longest row, which
/// the model may have no positions for, loses the end of its answer.
package struct MismatchedAnswers {
  private let rows: TrainingRows
  private let longest: Int

  /// - Parameter longest: The tokens of the longest row of the set.
  package init(_ rows: TrainingRows, longest: Int) {
    self.rows = rows
    self.longest = longest
  }

  /// The prompt of a row and an answer to another one; nil where all rows have one prompt.
  ///
  /// - Throws: ``TrainingError/noAnswer(row:)``, and what reading rows throws.
  package func sequence(_ number: Int) throws -> TokenSequence? {
    let own = try parts(number)
    for distance in 1..<max(1, rows.count) {
      let other = try parts((number - distance + rows.count) % rows.count)
      guard other.prompt != own.prompt else { continue }
      let kept = max(1, longest - own.prompt.count)
      return TokenSequence(
        role: .sample, ids: own.prompt + other.answer.prefix(kept),
        lossMask: [Bool](repeating: false, count: own.prompt.count) + other.lossMask.prefix(kept))
    }
    return nil
  }

  private func parts(_ number: Int) throws -> (prompt: [Int32], answer: [Int32], lossMask: [Bool]) {
    let row = try rows.row(number)
    guard row.sequences.count == 1, let start = row.sequences[0].lossMask.dropFirst().firstIndex(of: true) else {
      throw TrainingError.noAnswer(row: number)
    }
    let sequence = row.sequences[0]
    return (Array(sequence.ids[..<start]), Array(sequence.ids[start...]), Array(sequence.lossMask[start...]))
  }
}
