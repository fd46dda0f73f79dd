import Tensors

/// Which rows each step takes: a function of the settings and the step's number alone, so that no position has to be
/// kept anywhere.
package struct DataOrder {
  package let rowCount: Int
  package let batchSize: Int
  package let shuffle: Bool
  package let key: RandomKey
  private var epoch = -1
  private var order: [Int] = []

  package init(rowCount: Int, batchSize: Int, shuffle: Bool, key: RandomKey) {
    self.rowCount = rowCount
    self.batchSize = batchSize
    self.shuffle = shuffle
    self.key = key
  }

  /// Steps of a pass over all rows.
  package var stepsPerEpoch: Int { (rowCount + batchSize - 1) / batchSize }

  /// The rows of step `step`, from 0.
  package mutating func rows(step: Int) -> ArraySlice<Int> {
    let (epoch, index) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    if epoch != self.epoch {
      self.epoch = epoch
      var random = CounterRandom(key: key.child(UInt64(epoch)))
      order = shuffle ? random.permutation(rowCount) : Array(0..<rowCount)
    }
    return order[index * batchSize..<min(rowCount, (index + 1) * batchSize)]
  }

  /// The steps that a training takes.
  ///
  /// - Parameter stepsOnRows: How many steps are taken on the same rows; ``rows(step:)`` does not count them.
  package mutating func totalSteps(
    _ length: TrainingSettings.Length, stepsOnRows: Int = 1, tokens: (Int) throws -> Int
  ) rethrows -> Int {
    switch length {
    case .steps(let steps): return steps
    case .epochs(let epochs): return max(1, Int((epochs * Double(stepsPerEpoch * stepsOnRows)).rounded(.up)))
    case .tokens(let wanted):
      let counts = try (0..<rowCount).map(tokens)
      let inAPass = counts.reduce(0, +)
      guard inAPass > 0 else { return 1 }
      // Whole passes are skipped, the last one is walked.
      var step = wanted / inAPass * stepsPerEpoch
      var seen = wanted / inAPass * inAPass
      while seen < wanted {
        seen += rows(step: step).reduce(0) { $0 + counts[$1] }
        step += 1
      }
      return step * stepsOnRows
    }
  }
}
