import PreciseJSON

/// Watches for a loss that has run away: above a multiple of its usual value for several steps in a row.
package struct LossWatchdog: Sendable, Hashable {
  package enum Action: String, Sendable, CaseIterable {
    case stop
    case warn
  }

  /// How many times the usual loss is too much.
  package var factor = 3.0
  /// How many steps in a row it has to be.
  package var steps = 10
  package var action = Action.stop

  package init(factor: Double = 3, steps: Int = 10, action: Action = .stop) {
    self.factor = factor
    self.steps = steps
    self.action = action
  }

  func validate() throws(TrainingError) {
    try check("loss_watchdog.factor", factor, "a number above 1", factor > 1 && factor.isFinite)
    try check("loss_watchdog.steps", steps, "a number above 0", steps > 0)
  }

  /// What it remembers from step to step.
  struct Memory {
    /// The losses of the last steps that were not too high.
    private(set) var usual: [Double] = []
    /// How many steps before the next one were too high without a break.
    private(set) var run = 0

    /// Losses whose median is the usual one, and how many it takes at least.
    static let most = 100
    static let least = 8

    init() {}

    /// Takes the loss of a step.
    ///
    /// - Returns: The usual loss, with the step that makes the run as long as is watched for.
    mutating func add(_ loss: Double, _ watchdog: LossWatchdog) -> Double? {
      let median = usual.count < Self.least ? nil : usual.sorted()[usual.count / 2]
      // Of a loss around zero no multiple says anything.
      guard let median, median > 0, loss > watchdog.factor * median else {
        run = 0
        usual = Array((usual + [loss]).suffix(Self.most))
        return nil
      }
      run += 1
      return run == watchdog.steps ? median : nil
    }

    var json: JSON { ["usual": .array(usual.map { JSON($0) }), "run": JSON(run)] }

    init?(json: JSON) {
      guard let usual = json["usual"]?.array?.map(\.double), let run = json["run"]?.int else { return nil }
      self.usual = usual.compactMap { $0 }
      self.run = run
      guard self.usual.count == usual.count else { return nil }
    }
  }
}
