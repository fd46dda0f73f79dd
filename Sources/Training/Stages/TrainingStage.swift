import LanguageModels
import Tensors
import TokenShards

/// How the rows of a step are laid into batches; bounds memory and work, and changes losses by rounding only.
package struct BatchRules: Sendable, Hashable {
  /// The most tokens of a batch of several rows.
  package var tokenBudget: Int
  /// Whether sequences that begin alike share tokens.
  package var sharesPrefixes: Bool

  package init(tokenBudget: Int = TrainingSettings.tokenBudget, sharesPrefixes: Bool = true) {
    self.tokenBudget = tokenBudget
    self.sharesPrefixes = sharesPrefixes
  }
}

/// What is learned: how the rows of a step become batches, and a batch becomes a loss.
///
/// The losses of a step's batches add up to the loss of the step, so that how rows are laid into batches never changes
/// it: a stage that takes means divides by the count of the whole step.
package protocol TrainingStage {
  associatedtype Batch

  /// Whether training drops what adapters say they drop.
  static var usesDropout: Bool { get }

  /// What tells the stage from others: its type and its settings.
  var identity: String { get }

  /// Lays out the rows of one optimizer step. Empty when none of them has anything to learn.
  ///
  /// - Parameters:
  ///   - rows: In the order of the step.
  ///   - numbers: Which rows of the set they are.
  func batches(of rows: [TokenRow], numbers: [Int], _ rules: BatchRules) throws -> [Batch]

  /// Records the loss of a batch on the tape.
  func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss
}

extension TrainingStage {
  package static var usesDropout: Bool { true }
}

/// The loss of one batch and what is told about it.
package struct StageLoss {
  /// A scalar: this batch's part of the step's loss.
  package var loss: Variable
  /// The same number as precisely as it is known.
  package var value: Double
  package var labelTokens: Int
  /// More numbers for the metrics, by name: the record holds Σ sum ÷ Σ weight.
  package var measures: [String: Measure]

  package struct Measure: Sendable, Hashable {
    package var sum: Double
    package var weight: Double

    package init(sum: Double, weight: Double) {
      self.sum = sum
      self.weight = weight
    }
  }

  package init(loss: Variable, value: Double, labelTokens: Int, measures: [String: Measure] = [:]) {
    self.loss = loss
    self.value = value
    self.labelTokens = labelTokens
    self.measures = measures
  }
}
