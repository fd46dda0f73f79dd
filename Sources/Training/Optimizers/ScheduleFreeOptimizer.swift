import Glibc
import Tensors

/// AdamW without a schedule (arXiv:2405.15682) as schedulefree's `AdamWScheduleFree`.
///
/// Parameters hold y, where gradients are taken; z takes the steps, and x, the mean of z, is the result.
package struct ScheduleFreeSettings: OptimizerSettings, Hashable {
  package static let name = "adamw_schedule_free"
  package static let doc =
    "is AdamW whose result is a mean of all steps, in place of a schedule (arXiv:2405.15682); `schedule: {type: constant}`"
  package static let replacesSchedule = true

  package var betas = [0.9, 0.999]
  package var epsilon = 1e-8
  package var warmupSteps = 0
  package var power = 0.0
  package var ratePower = 2.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .numbers(
      "betas", \.betas, SettingRange(lower: 0, upper: 1, excludesLower: true, excludesUpper: true), count: 2,
      doc: "How near gradients are taken to the mean, and the decay rate of squares"),
    .epsilon(\.epsilon),
    .count("warmup_steps", \.warmupSteps, .atLeast(0), unit: "steps", doc: "Length of a warm-up of its own"),
    .number("r", \.power, .atLeast(0), doc: "Step k counts in the mean with the power r of k"),
    .number("weight_lr_power", \.ratePower, .atLeast(0), doc: "And with this power of the largest rate so far"),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { ScheduleFreeOptimizer(self, groups) }
}

private final class ScheduleFreeOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let z: Tensor
    let squares: Tensor

    var tensors: [NamedTensor] {
      [("z.\(head.parameter.name)", z), ("second_moment.\(head.parameter.name)", squares)]
    }
  }

  private let settings: ScheduleFreeSettings
  private let slots: [Slot]
  /// The sum of the weights of all steps, and the largest rate so far.
  private let sums = DoubleState(count: 2)
  /// y of every parameter while x is shown.
  private var kept: [Tensor] = []

  init(_ settings: ScheduleFreeSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots { Slot(head: $0, z: $0.value.copy(), squares: Tensor(shape: $0.value.shape)) }
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) + [("sums", sums.tensor)] }

  /// The weight of this step among all so far.
  private func weight(_ number: Int, rate: Double) -> Double {
    var share = 0.0
    onElements {
      sums[1] = max(sums[1], rate)
      let weight = pow(Double(number), settings.power) * pow(sums[1], settings.ratePower)
      sums[0] += weight
      share = sums[0] > 0 ? weight / sums[0] : 0
    }
    return share
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let warm = step.number < settings.warmupSteps ? Double(step.number) / Double(settings.warmupSteps) : 1
    let rate = step.learningRate * warm
    let share = weight(step.number, rate: rate)
    let (beta1, beta2) = (settings.betas[0], settings.betas[1])
    let correction = Float(1 - pow(beta2, Double(step.number)))
    let (old, new, epsilon) = (Float(beta2), Float(1 - beta2), Float(settings.epsilon))
    let (scale, pull) = (step.gradientScale, Float(share))
    compute.elementwise(slots) { slot, gradient, range in
      let own = rate * slot.head.rate
      let (ahead, size) = (Float(own * (beta1 * (1 - share) - 1)), Float(own))
      let decay = Float(slot.head.weightDecay)
      let (y, z, v) = (slot.head.value.pointer, slot.z.pointer, slot.squares.pointer)
      for i in range {
        let g = scale * gradient[i]
        let square = old * v[i] + new * g * g
        v[i] = square
        let change = g / ((square / correction).squareRoot() + epsilon) + decay * y[i]
        y[i] += pull * (z[i] - y[i])
        y[i] += ahead * change
        z[i] -= size * change
      }
    }
  }

  func show(_ weights: ShownWeights) {
    switch weights {
    case .result:
      let pull = Float(1 - 1 / settings.betas[0])
      kept = slots.map { $0.head.value.copy() }
      onElements {
        for slot in slots {
          let (y, z) = (slot.head.value.pointer, slot.z.pointer)
          for i in 0..<slot.z.count { y[i] += pull * (z[i] - y[i]) }
        }
      }
    case .training:
      onElements {
        for (slot, y) in zip(slots, kept) { slot.head.value.pointer.update(from: y.pointer, count: y.count) }
      }
      kept = []
    }
  }
}
