import LanguageModels
import Tensors

/// Where a student learns what to say: the distribution of another model at each label.
package enum Teacher {
  /// A model that is asked in each step, for the whole distribution.
  case model(LanguageModel)
  /// What was asked once: the likeliest tokens at each label of a row, by the row's number, `count` a label.
  case likeliest(count: Int, rest: LikeliestTokens.Rest, read: (Int) throws -> LikeliestLabels)
}

/// The likeliest tokens at the labels of a row, label after label, the likeliest first.
package struct LikeliestLabels: Sendable, Hashable {
  package var ids: [Int32]
  /// log q of each, over the whole vocabulary, at the temperature of the distillation.
  package var logProbabilities: [Float]

  package init(ids: [Int32], logProbabilities: [Float]) {
    self.ids = ids
    self.logProbabilities = logProbabilities
  }
}
