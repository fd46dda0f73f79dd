import PreciseJSON

/// What a training notices about itself as it goes.
///
/// It stands in checkpoints, so that a resumed training knows what the whole one would.
package struct TrainingWatch: Sendable, Hashable {
  /// Steps from whose gradient norms the usual one is taken.
  package static let usualSteps = 8
  /// How many times the usual norm is too much.
  ///
  /// Norms of healthy trainings move within a factor of ten of where they began; clipping hides the rest from the loss.
  package static let growthLimit = 100.0
  /// Steps in a row without any gradient after which nothing can come of a training that never had one.
  package static let zeroLimit = 8

  /// The loss of the first step, before anything changed; nil before it.
  package private(set) var firstLoss: Double?
  /// The gradient norm of the first step.
  package private(set) var firstNorm = 0.0
  /// The largest norm, and the step (from 1) that had it.
  package private(set) var largestNorm = 0.0
  package private(set) var largestStep = 0
  /// Steps whose norm was 0, and how many of them the last steps are without a break.
  package private(set) var zeroSteps = 0
  package private(set) var zeroRun = 0
  /// Steps whose norm was above the limit.
  package private(set) var grownSteps = 0
  /// Steps that were taken with a learning rate above 0.
  package private(set) var movingSteps = 0
  /// Rows of the steps, a row counted as often as it was seen, and those of them without a label.
  package private(set) var rows = 0
  package private(set) var rowsWithoutLabels = 0
  /// The sum of the norms of the first steps.
  private var usualSum = 0.0
  private var steps = 0

  package init() {}

  /// The mean norm of the first steps; nil until they are done.
  package var usualNorm: Double? { steps < Self.usualSteps ? nil : usualSum / Double(Self.usualSteps) }

  /// Takes a finished step.
  /// - Returns: Whether it is the first one whose norm is above the limit.
  package mutating func add(
    loss: Double, gradNorm: Double, learningRate: Double, rows: Int, rowsWithoutLabels: Int
  ) -> Bool {
    let hasGrown = usualNorm.map { $0 > 0 && gradNorm > Self.growthLimit * $0 } ?? false
    if firstLoss == nil { (firstLoss, firstNorm) = (loss, gradNorm) }
    if steps < Self.usualSteps { usualSum += gradNorm }
    steps += 1
    if gradNorm > largestNorm { (largestNorm, largestStep) = (gradNorm, steps) }
    zeroRun = gradNorm == 0 ? zeroRun + 1 : 0
    if gradNorm == 0 { zeroSteps += 1 }
    if learningRate > 0 { movingSteps += 1 }
    self.rows += rows
    self.rowsWithoutLabels += rowsWithoutLabels
    if hasGrown { grownSteps += 1 }
    return hasGrown && grownSteps == 1
  }

  var json: JSON {
    [
      "first_loss": firstLoss.map { JSON($0) } ?? .null, "first_norm": JSON(firstNorm),
      "largest_norm": JSON(largestNorm), "largest_step": JSON(largestStep), "zero_steps": JSON(zeroSteps),
      "zero_run": JSON(zeroRun), "grown_steps": JSON(grownSteps), "moving_steps": JSON(movingSteps),
      "rows": JSON(rows), "rows_without_labels": JSON(rowsWithoutLabels), "usual_sum": JSON(usualSum),
      "steps": JSON(steps),
    ]
  }

  init?(json: JSON) {
    guard let firstNorm = json["first_norm"]?.double, let largestNorm = json["largest_norm"]?.double,
      let largestStep = json["largest_step"]?.int, let zeroSteps = json["zero_steps"]?.int,
      let zeroRun = json["zero_run"]?.int, let grownSteps = json["grown_steps"]?.int,
      let movingSteps = json["moving_steps"]?.int, let rows = json["rows"]?.int,
      let rowsWithoutLabels = json["rows_without_labels"]?.int, let usualSum = json["usual_sum"]?.double,
      let steps = json["steps"]?.int
    else { return nil }
    firstLoss = json["first_loss"]?.double
    self.firstNorm = firstNorm
    self.largestNorm = largestNorm
    self.largestStep = largestStep
    self.zeroSteps = zeroSteps
    self.zeroRun = zeroRun
    self.grownSteps = grownSteps
    self.movingSteps = movingSteps
    self.rows = rows
    self.rowsWithoutLabels = rowsWithoutLabels
    self.usualSum = usualSum
    self.steps = steps
  }
}
