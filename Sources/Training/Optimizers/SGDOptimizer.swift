import Tensors

/// Stochastic gradient descent as `torch.optim.SGD`: decay is added to the gradient.
package struct SGDSettings: OptimizerSettings, Hashable {
  package static let name = "sgd"
  package static let doc = "is stochastic gradient descent, with momentum where wanted"

  package var momentum = 0.0
  package var dampening = 0.0
  package var isNesterov = false

  package init() {}

  package static let settings: [Setting<Self>] = [
    .number("momentum", \.momentum, .decay, doc: "How much of the last change goes on"),
    .number("dampening", \.dampening, .share, doc: "How much less of a gradient enters the momentum"),
    .flag("nesterov", \.isNesterov, doc: "Looks one step of the momentum ahead"),
  ]

  package var problem: String? {
    isNesterov && (momentum == 0 || dampening != 0) ? "`nesterov` wants a `momentum` above 0 and no `dampening`" : nil
  }

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { SGDOptimizer(self, groups) }
}

private final class SGDOptimizer: Optimizer {
  private struct Slot: ParameterSlot {
    let head: SlotHead
    /// Nothing without momentum.
    let momentum: Tensor?

    var tensors: [NamedTensor] { momentum.map { [("momentum.\(head.parameter.name)", $0)] } ?? [] }
  }

  private let settings: SGDSettings
  private let slots: [Slot]

  init(_ settings: SGDSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    slots = groups.slots { Slot(head: $0, momentum: settings.momentum > 0 ? Tensor(shape: $0.value.shape) : nil) }
  }

  var tensors: [NamedTensor] { slots.flatMap(\.tensors) }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let momentum = Float(settings.momentum)
    // The first gradient enters whole.
    let share = step.number == 1 ? 1 : Float(1 - settings.dampening)
    let (scale, isNesterov) = (step.gradientScale, settings.isNesterov)
    compute.elementwise(slots) { slot, gradient, range in
      let (rate, decay) = (Float(step.learningRate * slot.head.rate), Float(slot.head.weightDecay))
      let value = slot.head.value.pointer
      guard let kept = slot.momentum?.pointer else {
        for i in range { value[i] -= rate * (scale * gradient[i] + decay * value[i]) }
        return
      }
      for i in range {
        let g = scale * gradient[i] + decay * value[i]
        let sum = momentum * kept[i] + share * g
        kept[i] = sum
        value[i] -= rate * (isNesterov ? g + momentum * sum : sum)
      }
    }
  }
}
