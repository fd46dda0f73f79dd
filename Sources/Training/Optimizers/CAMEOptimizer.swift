import Tensors

/// CAME, Adafactor with a factored measure of how sure an update is (arXiv:2307.02047), as came-pytorch has it.
package struct CAMESettings: OptimizerSettings, Hashable {
  package static let name = "came"
  package static let doc = "is Adafactor with a first moment that is trusted where it is steady (arXiv:2307.02047)"

  package var betas = [0.9, 0.999, 0.9999]
  package var clipThreshold = 1.0

  package init() {}

  package static let settings: [Setting<Self>] = [
    .numbers(
      "betas", \.betas, .decay, count: 3, doc: "Decay rates of the first moment, of squares and of what differs from it"
    ),
    .number(
      "clip_threshold", \.clipThreshold, .positive, doc: "Updates with a larger root mean square are shortened to it"),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { CAMEOptimizer(self, groups) }
}

private final class CAMEOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let squares: FactoredMoment
    let mean: Tensor
    /// How much updates differ from their mean; nothing for vectors.
    let doubt: FactoredMoment?

    var tensors: [NamedTensor] {
      let name = head.parameter.name
      return [("first_moment.\(name)", mean)] + squares.tensors("second_moment", of: name)
        + (doubt?.tensors("instability", of: name) ?? [])
    }
  }

  private static let (epsilon, leastDoubt): (Float, Float) = (1e-30, 1e-16)

  private let settings: CAMESettings
  private let slots: [Slot]

  init(_ settings: CAMESettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots {
      let shape = $0.value.shape
      return Slot(
        head: $0, squares: FactoredMoment(shape), mean: Tensor(shape: shape),
        doubt: shape.count >= 2 ? FactoredMoment(shape) : nil)
    }
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let scale = step.gradientScale
    let (old, new) = (Float(settings.betas[0]), Float(1 - settings.betas[0]))
    compute.wholes(slots) { slot, gradient in
      let (value, mean) = (slot.head.value, slot.mean)
      slot.squares.take(kept: settings.betas[1], on: compute) { i in
        let g = scale * gradient.pointer[i]
        return g * g + Self.epsilon
      }
      // The gradient is used up: its memory holds the update.
      slot.squares.divide(gradient, into: gradient, scale: scale, on: compute)
      let clip = compute.clipping(gradient, to: settings.clipThreshold)
      compute.ranges(value.count) { range in
        for i in range {
          gradient.pointer[i] *= clip
          mean.pointer[i] = old * mean.pointer[i] + new * gradient.pointer[i]
        }
      }
      var update = mean
      if let doubt = slot.doubt {
        doubt.take(kept: settings.betas[2], on: compute) { i in
          let difference = gradient.pointer[i] - mean.pointer[i]
          return difference * difference + Self.leastDoubt
        }
        doubt.divide(mean, into: gradient, on: compute)
        update = gradient
      }
      let rate = step.learningRate * slot.head.rate
      let (size, decay) = (Float(rate), Float(-slot.head.weightDecay * rate))
      compute.ranges(value.count) { range in
        for i in range {
          value.pointer[i] = value.pointer[i] + decay * value.pointer[i] - size * update.pointer[i]
        }
      }
    }
  }
}
