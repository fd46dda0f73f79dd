import Diagnostics

/// What can go wrong in a training; worded below.
///
/// Steps count from 1, rows from 0.
package enum TrainingError: Error, Sendable, Hashable {
  case setting(name: String, found: String, wanted: String)
  case noRows
  /// The set of held-out rows has none.
  case nothingHeldOut
  case nothingTrainable
  /// No token of the step's rows is a label.
  case noLabels(step: Int, rows: [Int])
  /// A preference stage was given a row that is not a chosen and a rejected answer with labels in both.
  case notAPair(row: Int)
  /// A stage for judged answers was given a row that is not one answer, wanted or not.
  case notJudged(row: Int)
  /// A stage that samples was given a row that is not a prompt.
  case notAPrompt(row: Int)
  /// A row has no token left to learn.
  case noAnswer(row: Int)
  /// The log-probability of an answer is not a number.
  case scoreNotFinite(row: Int)
  /// No row of an evaluation has anything to measure.
  case nothingToMeasure(rows: Int)
  /// The loss of an evaluation is not a number, first in one of these rows.
  case measureNotFinite(rows: Range<Int>)
  case lossNotFinite(step: Int, rows: [Int])
  case gradientNotFinite(step: Int, rows: [Int])
  /// The loss was above `factor` times its usual value for `steps` steps.
  case lossGrew(step: Int, steps: Int, loss: Double, usual: Double, factor: Double)
  /// No regular expression.
  case notAPattern(String)
  /// A group's pattern is found in no name, or in those alone that groups before it took.
  case noSuchParameter(pattern: String, isTaken: Bool, names: [String])
  /// There is nothing that a setting of some parameters is about.
  case noParameter(of: String, names: [String])
  /// Groups freeze all that could be trained.
  case allFrozen
  /// Evaluations do not tell the number that was asked for.
  case noSuchMeasure(name: String, names: [String])
  /// Every gradient of the last steps was zero.
  case gradientZero(step: Int, steps: Int)
}

/// A training that was asked to stop and can be resumed.
package struct TrainingInterrupted: Error, Sendable, Hashable {
  /// Steps done.
  package var step: Int
  package var totalSteps: Int
  /// The checkpoint written, nil where there is no folder for checkpoints.
  package var checkpoint: String?

  package init(step: Int, totalSteps: Int, checkpoint: String?) {
    self.step = step
    self.totalSteps = totalSteps
    self.checkpoint = checkpoint
  }
}

extension TrainingError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    switch self {
    case .setting(let name, let found, let wanted):
      return [Diagnostic(code: "training-setting", "`\(name)` is \(found), not \(wanted)", path: name)]
    case .noRows: return [Diagnostic(code: "no-rows", "There are no rows")]
    case .nothingHeldOut:
      return [
        Diagnostic(
          code: "no-rows", "There are no held-out rows: the set at `validation` has none", path: "validation",
          reason: "each row is held out with the chance that `tokenize` is given, so that of a few none may be",
          advice: "hold out a larger share, or connect another set")
      ]
    case .nothingTrainable:
      return [
        Diagnostic(
          code: "nothing-trainable", "No parameter of the model is trainable",
          advice: "Attach an adapter, or load the model for training")
      ]
    case .noLabels(let step, let rows):
      return [
        Diagnostic(
          code: "no-labels", "No token of step \(step) is a label: \(Self.words(rows))",
          reason: "Truncation may have cut off all that is trained on",
          advice: "Raise `max_length`, or drop overlong rows")
      ]
    case .notAPair(let row):
      return [
        Diagnostic(
          code: "not-a-pair", "Row \(row) is not a pair of a chosen and a rejected answer",
          reason: "or one of the two has no token left to learn", advice: "Connect tokens made from preference pairs")
      ]
    case .notJudged(let row):
      return [
        Diagnostic(
          code: "not-judged", "Row \(row) is not an answer that was judged to be wanted or not",
          advice: "Connect tokens made from rows with a label")
      ]
    case .notAPrompt(let row):
      return [
        Diagnostic(
          code: "not-a-prompt", "Row \(row) is not a prompt that is yet to be answered",
          advice: "Connect tokens made from prompts alone")
      ]
    case .noAnswer(let row):
      return [
        Diagnostic(
          code: "no-answer", "Row \(row) has no token of an answer left to learn",
          advice: "Raise `max_length`, or drop overlong rows")
      ]
    case .scoreNotFinite(let row):
      return [
        Diagnostic(
          code: "score-not-finite", "The log-probabilities of row \(row) are not finite numbers",
          reason: "The model's weights or what it computes from them overflow")
      ]
    case .nothingToMeasure(let rows):
      return [
        Diagnostic(
          code: "no-labels", "None of the \(rows) rows to evaluate has a label token",
          advice: "Look at the rows with `anneal render`: which text is trained on, and is it cut off by `max_length`?")
      ]
    case .measureNotFinite(let rows):
      return [
        Diagnostic(
          code: "loss-not-finite",
          "The loss of rows \(rows.lowerBound) to \(rows.upperBound - 1) is not a finite number",
          reason: "The model's weights or what it computes from them overflow")
      ]
    case .lossNotFinite(let step, let rows):
      return [
        Diagnostic(
          code: "loss-not-finite", "The loss of step \(step) is not a finite number: \(Self.words(rows))",
          advice: "Lower `learning_rate`, or look at these rows")
      ]
    case .gradientNotFinite(let step, let rows):
      return [
        Diagnostic(
          code: "gradient-not-finite", "The gradient of step \(step) is not a finite number: \(Self.words(rows))",
          advice: "Lower `learning_rate`, or look at these rows")
      ]
    case .lossGrew(let step, let steps, let loss, let usual, let factor):
      return [
        Diagnostic(
          code: "loss-grew",
          "The loss was above \(factor) times its usual value for \(steps) steps: it is \(loss) in step \(step)",
          reason: "the usual loss of the steps before is \(usual)",
          advice: "Lower `learning_rate`, or say `action: warn` in `loss_watchdog` to go on")
      ]
    case .notAPattern(let pattern):
      return [Diagnostic(code: "not-a-pattern", "`\(pattern)` is no regular expression", path: "groups.match")]
    case .noSuchParameter(let pattern, let isTaken, let names):
      return [
        Diagnostic(
          code: "no-such-parameter",
          isTaken
            ? "Groups before it take all parameters that `\(pattern)` matches"
            : "`\(pattern)` matches no parameter that is trained",
          path: "groups.match", advice: Self.known(names))
      ]
    case .noParameter(let name, let names):
      return [
        Diagnostic(
          code: "no-such-parameter",
          "`\(name)` has no effect: nothing of the kind is trained, or groups take all of it",
          path: name, advice: Self.known(names))
      ]
    case .allFrozen:
      return [
        Diagnostic(
          code: "nothing-trainable", "`groups` freeze every parameter that could be trained", path: "groups",
          advice: "Leave some of them free")
      ]
    case .noSuchMeasure(let name, let names):
      return [
        Diagnostic(
          code: "no-such-measure", "Evaluations tell no `\(name)`", path: "best_measure",
          advice: "They tell \(names.map { "`\($0)`" }.joined(separator: ", "))")
      ]
    case .gradientZero(let step, let steps):
      return [
        Diagnostic(
          code: "gradient-zero", "The gradient was exactly zero for \(steps) steps, up to step \(step)",
          reason: "Nothing can be learned: what is trained has no effect on the loss of these rows",
          advice: "Look for an adapter or a model whose weights are zero (`anneal inspect` names its tensors)")
      ]
    }
  }

  private static func known(_ names: [String]) -> String {
    "What is trained is called " + names.prefix(40).map { "`\($0)`" }.joined(separator: ", ")
      + (names.count > 40 ? " and \(names.count - 40) more" : "") + "; N stands for the number of a layer"
  }

  private static func words(_ rows: [Int]) -> String {
    let listed = rows.prefix(16).map(String.init).joined(separator: ", ")
    return "rows [\(listed)\(rows.count > 16 ? ", …" : "")]"
  }
}

extension TrainingInterrupted: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [
      Diagnostic(
        code: "interrupted", "Training stopped after step \(step) of \(totalSteps)",
        advice: checkpoint == nil ? nil : "Run it again to go on from there")
    ]
  }
}

/// - Throws: ``TrainingError/setting(name:found:wanted:)`` where a setting does not hold.
package func check(
  _ name: String, _ found: some CustomStringConvertible, _ wanted: String, _ holds: Bool
) throws(TrainingError) {
  guard holds else { throw .setting(name: name, found: found.description, wanted: wanted) }
}
