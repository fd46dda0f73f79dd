import Tensors

/// What turns hidden states into scores, as data: scale · x Wᵀ + bias, perhaps capped.
package struct HeadConfiguration: Sendable, Hashable {
  /// Whether W is the embedding.
  package var isTied: Bool
  package var hasBias: Bool
  /// What the hidden states are multiplied by.
  package var scale: Float
  /// Scores become cap · tanh(score / cap).
  package var softCap: Float?

  package init(isTied: Bool, hasBias: Bool = false, scale: Float = 1, softCap: Float? = nil) {
    self.isTied = isTied
    self.hasBias = hasBias
    self.scale = scale
    self.softCap = softCap
  }

  /// Every tensor of its own.
  ///
  /// - Parameters:
  ///   - vocabulary: V.
  ///   - width: C.
  func tensors(vocabulary: Int, width: Int) -> [(role: TensorRole, shape: [Int])] {
    (isTied ? [] : [(.head, [vocabulary, width])])
      + (hasBias ? [(TensorRole(.head, "bias", .bias), [vocabulary])] : [])
  }
}
