import PreciseJSON

/// A tokenised text with the tokens that are trained on marked.
package struct TokenSequence: Sendable, Hashable {
  /// What the sequence is in its row.
  package enum Role: UInt8, Sendable, CaseIterable {
    /// A conversation or text to learn.
    case sample = 0
    /// The preferred answer of a pair, with its prompt.
    case chosen = 1
    /// The other answer of a pair, with its prompt.
    case rejected = 2
    /// An answer, with its prompt, that was judged to be wanted.
    case wanted = 3
    /// An answer, with its prompt, that was judged not to be wanted.
    case unwanted = 4
    /// A prompt that is yet to be answered.
    case prompt = 5
  }

  package var role: Role
  package var ids: [Int32]
  /// For each token whether it is a label: whether the model learns to predict it from those before it.
  package var lossMask: [Bool]

  /// - Precondition: As many marks as ids.
  package init(role: Role = .sample, ids: [Int32], lossMask: [Bool]) {
    precondition(ids.count == lossMask.count, "a mark for every token")
    self.role = role
    self.ids = ids
    self.lossMask = lossMask
  }

  /// Tokens that are predicted: the trained ones but for the first, which nothing comes before.
  package var labelCount: Int { lossMask.dropFirst().count { $0 } }
}

/// A row of a token set: one sample, the sequences of one pair, or several samples packed together.
///
/// Packed sequences never see each other: attention is block-diagonal and positions restart at each.
package struct TokenRow: Sendable, Hashable {
  package var sequences: [TokenSequence]
  /// By how much the first answer of a pair is preferred; 0 where that is not said.
  package var margin: Float
  /// The JSON text of an object of the columns that travel with a prompt; nil where none do.
  ///
  /// Numbers are as the dataset wrote them.
  package var columns: String?

  package init(_ sequences: [TokenSequence], margin: Float = 0, columns: String? = nil) {
    self.sequences = sequences
    self.margin = margin
    self.columns = columns
  }

  /// The columns that travel with a prompt, by name; none where a row has none, or of a text that is no object.
  ///
  /// Cost: reads the text anew.
  package var columnValues: JSONObject { columns.flatMap { try? JSON(parsing: $0) }?.object ?? JSONObject() }

  package var tokenCount: Int { sequences.reduce(0) { $0 + $1.ids.count } }
  package var labelCount: Int { sequences.reduce(0) { $0 + $1.labelCount } }
}
