import Glibc

/// LongRoPE (arXiv:2402.13753): each frequency divided by a factor of its own.
///
/// There is one list for texts up to the original length and one for longer ones: each text goes by its own length. With one list for both it is how GGUF files
/// write factors down.
package struct LongRope: Sendable, Hashable {
  package var shortFactors: [Float]
  package var longFactors: [Float]
  package var originalMaximumPosition: Int
  /// By how much the texts are longer; with nil, by how much the model's longest text is.
  package var factor: Double?
  /// What cosines and sines are multiplied by; nil where `factor` tells.
  package var attentionFactor: Double?
  /// The longest text that the model was made for.
  package var maximumPosition: Int

  package init(
    shortFactors: [Float], longFactors: [Float], originalMaximumPosition: Int, factor: Double? = nil,
    attentionFactor: Double? = nil, maximumPosition: Int
  ) {
    self.shortFactors = shortFactors
    self.longFactors = longFactors
    self.originalMaximumPosition = originalMaximumPosition
    self.factor = factor
    self.attentionFactor = attentionFactor
    self.maximumPosition = maximumPosition
  }

  /// The same factors for all texts.
  package init(factors: [Float], maximumPosition: Int) {
    self.init(
      shortFactors: factors, longFactors: factors, originalMaximumPosition: maximumPosition, factor: 1,
      attentionFactor: 1, maximumPosition: maximumPosition)
  }

  /// What cosines and sines are multiplied by.
  package var effectiveAttentionFactor: Double {
    if let attentionFactor { return attentionFactor }
    let longer = factor ?? Double(maximumPosition) / Double(originalMaximumPosition)
    return longer <= 1 ? 1 : (1 + log(longer) / log(Double(originalMaximumPosition))).squareRoot()
  }
}
