import Tensors

/// An exponential moving average of what is trained, in place of the last values.
package struct AverageSettings: Sendable, Hashable {
  package var decay = 0.999
  /// Whether the decay of step t is at most (1 + t) / (10 + t), so that the first steps weigh little in a short training.
  package var warmsUp = true

  package init(decay: Double = 0.999, warmsUp: Bool = true) {
    self.decay = decay
    self.warmsUp = warmsUp
  }

  func validate() throws(TrainingError) {
    try check("ema.decay", decay, "a number from 0 to below 1", (0..<1).contains(decay))
  }

  /// The decay of a step, from 1; the first one has none before it.
  fileprivate func decay(step: Int) -> Double {
    step == 1 ? 0 : warmsUp ? min(decay, Double(1 + step) / Double(10 + step)) : decay
  }
}

/// The averages of the parameters of a training: 4 bytes an element.
///
/// As torch's `AveragedModel` with `get_ema_multi_avg_fn`: after the first step the average is what that step made.
final class WeightAverage {
  private let settings: AverageSettings
  private let means: ParameterCopies

  init(_ settings: AverageSettings, _ parameters: [Parameter]) {
    self.settings = settings
    means = ParameterCopies(parameters)
  }

  /// What a checkpoint holds.
  var tensors: [NamedTensor] { means.tensors("average") }

  /// Takes the values that a step has made.
  ///
  /// - Parameter step: Counts from 1.
  func add(step: Int, on compute: Compute) {
    let decay = settings.decay(step: step)
    let (new, old) = (Float(1 - decay), Float(decay))
    for slot in means.slots {
      let (value, mean) = (slot.parameter.value, slot.copy)
      compute.ranges(value.count) { range in
        let (p, e) = (value.pointer, mean.pointer)
        // torch's `lerp`, whose order of operations depends on the weight.
        if new < 0.5 {
          for i in range { e[i] += new * (p[i] - e[i]) }
        } else {
          for i in range { e[i] = p[i] - (p[i] - e[i]) * old }
        }
      }
    }
  }

  /// Puts the averages where the trained values are and those where the averages were; twice is not at all.
  func exchange(on compute: Compute) { means.exchange(on: compute) }
}
