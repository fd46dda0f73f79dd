import Tensors

/// LOMO (arXiv:2306.09782): gradients times the rate, decay apart, and nothing remembered.
package struct LOMOSettings: OptimizerSettings, Hashable {
  package static let name = "lomo"
  package static let doc =
    "goes by the gradient alone and remembers nothing (arXiv:2306.09782); the gradients of all parameters are there until "
    + "the step, as with every optimizer"

  package var clipValue: Double?

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("clip_grad_value", \.clipValue, .positive, doc: "Elements of gradients beyond it are cut to it")
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { LOMOOptimizer(self, groups) }
}

private final class LOMOOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    var tensors: [NamedTensor] { [] }
  }

  private let settings: LOMOSettings
  private let slots: [Slot]
  let tensors: [NamedTensor] = []

  init(_ settings: LOMOSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots(Slot.init)
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let most = settings.clipValue.map { Float($0) } ?? .infinity
    compute.elementwise(slots) { slot, gradient, range in
      let rate = step.learningRate * slot.head.rate
      let (size, decay) = (Float(rate), Float(1 - rate * slot.head.weightDecay))
      let value = slot.head.value.pointer
      for i in range {
        value[i] = value[i] * decay - size * (step.gradientScale * min(most, max(-most, gradient[i])))
      }
    }
  }
}
