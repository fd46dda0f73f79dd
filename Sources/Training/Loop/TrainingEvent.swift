import PreciseJSON

/// What a training tells while it runs.
package enum TrainingEvent: Sendable {
  /// Before the first step; `step` steps were done before.
  case started(step: Int, totalSteps: Int)
  case progressed(Progress)
  /// A new object of `metrics.jsonl`.
  case recorded(JSON)
  case saved(step: Int, path: String)
  /// The gradient of a step is the first that is far above the usual one.
  case gradientGrew(step: Int, norm: Double, usual: Double)
  /// Some steps in a row had no gradient, where that is no fault; `isOfSamples` where what is learned is sampled.
  case gradientGone(step: Int, steps: Int, isOfSamples: Bool)
  /// The loss has been far above the usual one for as many steps as ``LossWatchdog`` says.
  case lossGrew(step: Int, loss: Double, usual: Double)

  /// Where a training stands after a step.
  package struct Progress: Sendable, Hashable {
    /// Steps done.
    package var step: Int
    package var totalSteps: Int
    /// Of this step.
    package var loss: Double
    package var gradNorm: Double
    /// The tokens of this step's rows by its time.
    package var tokensPerSecond: Double
    /// As long as the remaining steps take at the pace of those since the start of this process.
    package var secondsLeft: Double
    /// What the stage measured in this step, by name.
    package var measures: [String: Double]
  }
}

/// Why a training ended.
package enum TrainingEnding: String, Sendable, Hashable {
  /// It was as long as was asked for.
  case length
  /// Its time was over.
  case time
  /// Evaluations found nothing better.
  case noBetter
}

/// What a training leaves beside the trained parameters.
package struct TrainingResult: Sendable {
  package var steps: Int
  /// The steps that its length is, which it may not have reached.
  package var totalSteps: Int
  package var ending: TrainingEnding
  /// The step after which the result was found, where it is not what the last step made.
  package var bestStep: Int?
  /// Tokens of all rows seen, a row counted as often as it was.
  package var tokens: Int
  package var labelTokens: Int
  /// Time spent in steps, before an interruption included.
  package var seconds: Double
  /// The objects of `metrics.jsonl`.
  package var metrics: [JSON]
  /// What was noticed.
  package var watch: TrainingWatch
}
