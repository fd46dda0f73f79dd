import Tensors

/// Which rows each step takes: a function of the settings and the step's number alone, so that no position has to be
/// kept anywhere.
package struct DataOrder {
  /// How many rows a step takes; the last step of a pass takes what is left.
  package enum StepSize: Sendable, Hashable {
    case rows(Int)
    /// As many as have no more than so many tokens together, and one at least.
    ///
    /// `lengths` are the tokens of each row.
    case tokens(Int, lengths: [Int])
  }

  package let rowCount: Int
  package let size: StepSize
  package let shuffle: Bool
  package let key: RandomKey
  private var epoch = -1
  private var order: [Int] = []
  /// Where each step of the pass at hand starts in its order, and where the last one ends; of steps by tokens.
  private var cuts: [Int] = []
  /// The first step of every pass that was looked at, and of the one after; of steps by tokens.
  private var starts = [0]

  package init(rowCount: Int, size: StepSize, shuffle: Bool, key: RandomKey) {
    self.rowCount = rowCount
    self.size = size
    self.shuffle = shuffle
    self.key = key
  }

  package init(rowCount: Int, batchSize: Int, shuffle: Bool, key: RandomKey) {
    self.init(rowCount: rowCount, size: .rows(batchSize), shuffle: shuffle, key: key)
  }

  /// The rows of step `step`, from 0.
  package mutating func rows(step: Int) -> ArraySlice<Int> {
    switch size {
    case .rows(let count):
      let (epoch, index) = step.quotientAndRemainder(dividingBy: (rowCount + count - 1) / count)
      begin(epoch)
      return order[index * count..<min(rowCount, (index + 1) * count)]
    case .tokens:
      let (epoch, index) = place(of: step)
      begin(epoch)
      return order[cuts[index]..<cuts[index + 1]]
    }
  }

  /// Passes over the rows that so many steps are, of which `stepsOnRows` are on the same rows.
  package mutating func epochs(after steps: Int, stepsOnRows: Int = 1) -> Double {
    switch size {
    case .rows(let count): return Double(steps) / Double((rowCount + count - 1) / count * stepsOnRows)
    case .tokens:
      let (epoch, _) = place(of: steps / stepsOnRows)
      let (first, next) = (start(of: epoch) * stepsOnRows, start(of: epoch + 1) * stepsOnRows)
      return Double(epoch) + Double(steps - first) / Double(next - first)
    }
  }

  /// The steps that a training takes.
  ///
  /// - Parameter stepsOnRows: How many steps are taken on the same rows; ``rows(step:)`` does not count them.
  package mutating func totalSteps(
    _ length: TrainingSettings.Length, stepsOnRows: Int = 1, tokens: (Int) throws -> Int
  ) rethrows -> Int {
    switch length {
    case .steps(let steps): return steps
    case .epochs(let epochs):
      let whole = Int(epochs)
      if case .tokens = size {
        let (first, next) = (start(of: whole), start(of: whole + 1))
        let part = (epochs - Double(whole)) * Double((next - first) * stepsOnRows)
        return max(1, first * stepsOnRows + Int(part.rounded(.up)))
      }
      return max(1, Int((epochs * Double(start(of: 1) * stepsOnRows)).rounded(.up)))
    case .tokens(let wanted):
      let counts = try (0..<rowCount).map(tokens)
      let inAPass = counts.reduce(0, +)
      guard inAPass > 0 else { return 1 }
      // Whole passes are skipped, the last one is walked.
      var step = start(of: wanted / inAPass)
      var seen = wanted / inAPass * inAPass
      while seen < wanted {
        seen += rows(step: step).reduce(0) { $0 + counts[$1] }
        step += 1
      }
      return step * stepsOnRows
    }
  }

  /// The first step of a pass.
  private mutating func start(of epoch: Int) -> Int {
    switch size {
    case .rows(let count): return (rowCount + count - 1) / count * epoch
    case .tokens:
      while starts.count <= epoch {
        begin(starts.count - 1)
        starts.append(starts[starts.count - 1] + cuts.count - 1)
      }
      return starts[epoch]
    }
  }

  /// The pass that a step by tokens belongs to, and its place there.
  private mutating func place(of step: Int) -> (epoch: Int, index: Int) {
    var epoch = max(0, starts.count - 2)
    while start(of: epoch + 1) <= step { epoch += 1 }
    while starts[epoch] > step { epoch -= 1 }
    return (epoch, step - starts[epoch])
  }

  /// Makes the order of a pass the one at hand.
  private mutating func begin(_ epoch: Int) {
    guard epoch != self.epoch else { return }
    self.epoch = epoch
    var random = CounterRandom(key: key.child(UInt64(epoch)))
    order = shuffle ? random.permutation(rowCount) : Array(0..<rowCount)
    guard case .tokens(let most, let lengths) = size else { return }
    cuts = [0]
    var tokens = 0
    for (place, row) in order.enumerated() {
      if tokens + lengths[row] > most, place > cuts[cuts.count - 1] {
        cuts.append(place)
        tokens = 0
      }
      tokens += lengths[row]
    }
    cuts.append(rowCount)
  }
}
