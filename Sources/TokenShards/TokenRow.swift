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
  /// For each token what it counts as a label, 0 or more; empty where all count 1.
  package var weights: [Float]
  /// The name of the source that it came from, where rows are told apart by it.
  package var source: String?

  /// - Precondition: As many marks as ids, and as many weights or none.
  package init(role: Role = .sample, ids: [Int32], lossMask: [Bool], weights: [Float] = [], source: String? = nil) {
    precondition(ids.count == lossMask.count, "a mark for every token")
    precondition(weights.isEmpty || weights.count == ids.count, "a weight for every token or none")
    self.role = role
    self.ids = ids
    self.lossMask = lossMask
    self.weights = weights
    self.source = source
  }

  /// Tokens that are predicted: the trained ones but for the first, which nothing comes before.
  package var labelCount: Int { lossMask.dropFirst().count { $0 } }

  /// What all labels count together.
  package var labelWeight: Double {
    weights.isEmpty
      ? Double(labelCount) : zip(weights, lossMask).dropFirst().reduce(0) { $1.1 ? $0 + Double($1.0) : $0 }
  }
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
  package var labelWeight: Double { sequences.reduce(0) { $0 + $1.labelWeight } }
}
