/// The sizes of an attention and what its scores go through.
///
/// A score is scale · q·k with q and k turned to their positions, then perhaps capped, then with what the distance costs.
package struct AttentionShape: Sendable {
  /// H, a multiple of `keyValueHeads`.
  package var heads: Int
  /// K.
  package var keyValueHeads: Int
  /// D, of a query and a key.
  package var headDimension: Int
  /// Elements of a value of a head; D in most models.
  package var valueDimension: Int
  /// Multiplies q·k, 1/√D in most models.
  package var scale: Float
  /// How positions turn queries and keys; nil where they do not.
  package var rotary: RotaryTable?
  /// A token sees this many tokens up to itself; all before it when nil.
  package var window: Int?
  /// Scores become cap · tanh(score / cap).
  package var softCap: Float?
  /// What a distance of one token takes from the scores of each head (ALiBi, arXiv:2108.12409): [H].
  package var slopes: [Float]?

  package init(
    heads: Int, keyValueHeads: Int, headDimension: Int, valueDimension: Int? = nil, scale: Float,
    rotary: RotaryTable? = nil, window: Int? = nil, softCap: Float? = nil, slopes: [Float]? = nil
  ) {
    precondition(heads % keyValueHeads == 0, "\(heads) heads cannot share \(keyValueHeads) key-value heads")
    precondition(slopes.map { $0.count == heads } ?? true, "Every head needs a slope")
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.valueDimension = valueDimension ?? headDimension
    self.scale = scale
    self.rotary = rotary
    self.window = window
    self.softCap = softCap
    self.slopes = slopes
  }

  /// G = H/K, the query heads that share a key-value head.
  package var group: Int { heads / keyValueHeads }
}
