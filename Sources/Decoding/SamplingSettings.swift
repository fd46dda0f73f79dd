/// How the next token is chosen from the logits.
package struct SamplingSettings: Sendable, Hashable {
  /// What the logits are divided by; 0 takes the most likely token always.
  package var temperature: Float
  /// Only this many of the most likely tokens; nil for all.
  package var topK: Int?
  /// Only the most likely tokens whose probabilities reach this sum; nil or 1 for all.
  package var topP: Float?
  /// Only tokens at least this fraction as likely as the most likely one; nil or 0 for all.
  package var minP: Float?
  /// Logits of tokens that stand in the text already are divided by this where positive, multiplied where negative
  /// (CTRL, arXiv:1909.05858); 1 changes nothing.
  package var repetitionPenalty: Float
  package var seed: UInt64

  package init(
    temperature: Float = 0, topK: Int? = nil, topP: Float? = nil, minP: Float? = nil, repetitionPenalty: Float = 1,
    seed: UInt64 = 0
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.repetitionPenalty = repetitionPenalty
    self.seed = seed
  }

  package static let greedy = SamplingSettings()
}
