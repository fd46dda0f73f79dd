import LanguageModels
import PreciseJSON
import Tensors
import TokenShards

/// What is learned: how the rows of a step become batches, and a batch becomes a loss.
///
/// The losses of a step's batches add up to the loss of the step, so that how rows are laid into batches never changes
/// it: a stage that takes means divides by the count of the whole step.
package protocol TrainingStage {
  associatedtype Batch

  /// Whether training drops what adapters say they drop.
  static var usesDropout: Bool { get }

  /// Whether the tokens that are learned are sampled, from rows that have none: then a step may have nothing to learn.
  static var samplesRows: Bool { get }

  /// The names of what it tells beside its loss; those that end in `*` stand for all that begin so.
  static var measureNames: [String] { get }

  /// What tells the stage from others: its type and its settings.
  var identity: String { get }

  /// What is trained beside the model's parameters, such as a value head.
  var parameters: [Parameter] { get }

  /// The optimizer steps that are taken on the same rows, one after the other.
  var stepsOnRows: Int { get }

  /// What it remembers from step to step and cannot compute again; a checkpoint holds it.
  var state: JSON { get }

  /// What it remembers in tensors, from ``begin(_:)`` on; a checkpoint holds them.
  var tensors: [NamedTensor] { get }

  /// Told of the model before its first step.
  mutating func begin(_ model: LanguageModel)

  /// Goes on from what ``state`` gave.
  ///
  /// - Returns: False for anything else.
  mutating func restore(_ state: JSON) -> Bool

  /// Lays out the rows of one optimizer step. Empty when none of them has anything to learn.
  mutating func batches(of step: StageStep) throws -> [Batch]

  /// The tokens that a step computes, once its batches are laid out.
  func tokenCount(of rows: [TokenRow], step number: Int) -> Int

  /// Records the loss of a batch on the tape.
  func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss
}

extension TrainingStage {
  package static var usesDropout: Bool { true }
  package static var samplesRows: Bool { false }
  package var parameters: [Parameter] { [] }
  package var stepsOnRows: Int { 1 }
  package var state: JSON { .null }
  package var tensors: [NamedTensor] { [] }
  package mutating func begin(_ model: LanguageModel) {}
  package mutating func restore(_ state: JSON) -> Bool { state.isNull }
  package func tokenCount(of rows: [TokenRow], step number: Int) -> Int { rows.reduce(0) { $0 + $1.tokenCount } }
}

/// The rows of one optimizer step, and what a stage may ask to lay them out.
package struct StageStep {
  /// In the order of the step.
  package var rows: [TokenRow]
  /// Which rows of the set they are.
  package var numbers: [Int]
  package var rules: BatchRules
  /// As it is before the step.
  package var model: LanguageModel
  /// Which step it is, from 0; the steps on the same rows count on.
  package var number: Int
  /// Random numbers of this step alone.
  package var key: RandomKey

  package init(
    _ rows: [TokenRow], numbers: [Int], _ rules: BatchRules = BatchRules(), model: LanguageModel, number: Int = 0,
    key: RandomKey = RandomKey(seed: 0)
  ) {
    self.rows = rows
    self.numbers = numbers
    self.rules = rules
    self.model = model
    self.number = number
    self.key = key
  }

  /// The rows in runs that are computed together, as places in ``rows``.
  package var runs: [Range<Int>] { microBatches(lengths: rows.map(\.tokenCount), budget: rules.tokenBudget) }
}

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
