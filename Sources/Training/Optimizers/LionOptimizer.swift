import Tensors

/// Lion, the sign of a momentum (arXiv:2302.06675).
package struct LionSettings: OptimizerSettings, Hashable {
  package static let name = "lion"
  package static let doc =
    "goes by the sign of a momentum (arXiv:2302.06675): a third to a tenth of AdamW's rate, three to ten times its decay"

  package var betas = [0.9, 0.99]

  package init() {}

  package static let settings: [Setting<Self>] = [
    .numbers(
      "betas", \.betas, .decay, count: 2, doc: "How much of the momentum the sign sees, and how much of it goes on")
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { LionOptimizer(self, groups) }
}

private final class LionOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    let momentum: Tensor

    var tensors: [NamedTensor] { [("momentum.\(head.parameter.name)", momentum)] }
  }

  private let settings: LionSettings
  private let slots: [Slot]

  init(_ settings: LionSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots { Slot(head: $0, momentum: Tensor(shape: $0.value.shape)) }
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let (seen, kept) = (Float(settings.betas[0]), Float(settings.betas[1]))
    let (newSeen, newKept) = (Float(1 - settings.betas[0]), Float(1 - settings.betas[1]))
    let scale = step.gradientScale
    compute.elementwise(slots) { slot, gradient, range in
      let rate = step.learningRate * slot.head.rate
      let (size, decay) = (Float(rate), Float(1 - rate * slot.head.weightDecay))
      let (value, momentum) = (slot.head.value.pointer, slot.momentum.pointer)
      for i in range {
        let g = scale * gradient[i]
        let m = momentum[i]
        let direction = seen * m + newSeen * g
        let sign: Float = direction > 0 ? 1 : direction < 0 ? -1 : 0
        value[i] = value[i] * decay - size * sign
        momentum[i] = kept * m + newKept * g
      }
    }
  }
}
