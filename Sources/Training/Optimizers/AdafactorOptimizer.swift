import Glibc
import Tensors

/// Adafactor (arXiv:1804.04235) as transformers has it: the rate is the schedule's, or its own with `relative_step`.
package struct AdafactorSettings: OptimizerSettings, Hashable {
  package static let name = "adafactor"
  package static let doc =
    "keeps one number a row and one a column of a matrix in place of two moments (arXiv:1804.04235)"

  package var decayRate = -0.8
  package var clipThreshold = 1.0
  package var beta1: Double?
  package var scalesByParameter = false
  package var hasOwnRate = false
  package var warmsUp = false

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number(
      "decay_rate", \.decayRate, SettingRange(lower: -1, upper: 0), doc: "In step k the mean keeps 1 − k to this power"),
    .number(
      "clip_threshold", \.clipThreshold, .positive, doc: "Updates with a larger root mean square are shortened to it"),
    .number("beta1", \.beta1, .decay, doc: "Decay rate of a first moment, which is kept only where this is given"),
    .flag(
      "scale_parameter", \.scalesByParameter, doc: "Multiplies the rate with the root mean square of the parameter"),
    .flag(
      "relative_step", \.hasOwnRate, later: true,
      doc: "Takes a rate of its own in place of the schedule's: in step k one over the root of k, at most a hundredth"),
    .flag(
      "warmup_init", \.warmsUp, later: true, doc: "Begins with a rate of a millionth times k; for `relative_step` alone"
    ),
  ]

  package var problem: String? {
    warmsUp && !hasOwnRate ? "`warmup_init` has no effect without `relative_step`" : nil
  }

  package var ignoresRate: Bool { hasOwnRate }

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { AdafactorOptimizer(self, groups) }
}

private final class AdafactorOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let squares: FactoredMoment
    let mean: Tensor?

    var tensors: [NamedTensor] {
      let name = head.parameter.name
      return squares.tensors("second_moment", of: name) + (mean.map { [("first_moment.\(name)", $0)] } ?? [])
    }
  }

  /// Added to squares, and the least scale of a parameter.
  private static let (epsilon, leastScale): (Float, Double) = (1e-30, 1e-3)

  private let settings: AdafactorSettings
  private let slots: [Slot]

  init(_ settings: AdafactorSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots {
      Slot(
        head: $0, squares: FactoredMoment($0.value.shape),
        mean: settings.beta1 == nil ? nil : Tensor(shape: $0.value.shape))
    }
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) }

  func ownRate(_ step: Int) -> Double? {
    guard settings.hasOwnRate else { return nil }
    return min(settings.warmsUp ? 1e-6 * Double(step) : 1e-2, 1 / Double(step).squareRoot())
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let kept = 1 - pow(Double(step.number), settings.decayRate)
    let scale = step.gradientScale
    compute.wholes(slots) { slot, gradient in
      let value = slot.head.value
      var rate = (ownRate(step.number) ?? step.learningRate) * slot.head.rate
      if settings.scalesByParameter {
        let mean = compute.sum(value.count) { squares(value.pointer, $0) } / Double(max(1, value.count))
        rate *= max(Self.leastScale, mean.squareRoot())
      }
      slot.squares.take(kept: kept, on: compute) { i in
        let g = scale * gradient.pointer[i]
        return g * g + Self.epsilon
      }
      // The gradient is used up: its memory holds the update.
      slot.squares.divide(gradient, into: gradient, scale: scale, on: compute)
      let size = compute.clipping(gradient, to: settings.clipThreshold) * Float(rate)
      let decay = Float(-slot.head.weightDecay * rate)
      let (old, new) = (Float(settings.beta1 ?? 0), Float(1 - (settings.beta1 ?? 0)))
      compute.ranges(value.count) { range in
        for i in range {
          var update = size * gradient.pointer[i]
          if let mean = slot.mean?.pointer {
            update = old * mean[i] + new * update
            mean[i] = update
          }
          value.pointer[i] = value.pointer[i] + decay * value.pointer[i] - update
        }
      }
    }
  }
}
