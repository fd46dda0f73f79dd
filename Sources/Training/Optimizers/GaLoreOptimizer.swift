import Tensors

/// GaLore (arXiv:2403.03507) as galore-torch: AdamW on gradients projected to their leading singular vectors.
package struct GaLoreSettings: OptimizerSettings, Hashable {
  package static let name = "galore"
  package static let doc =
    "is AdamW on matrices' gradients projected to their leading singular vectors, whose moments are so much smaller "
    + "(arXiv:2403.03507); for training all weights"

  package var rank = 128
  package var interval = 200
  package var scale = 0.25
  package var betas = [0.9, 0.999]
  package var epsilon = 1e-6

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("rank", \.rank, .atLeast(1), doc: "Singular vectors that are kept; smaller matrices are not projected"),
    .count("update_proj_gap", \.interval, .atLeast(1), unit: "steps", doc: "How long vectors are kept"),
    .number("scale", \.scale, .positive, doc: "What projected steps are multiplied with"),
    .numbers("betas", \.betas, .decay, count: 2, doc: "Decay rates of the two moments"),
    .number("epsilon", \.epsilon, .atLeast(0), doc: "Added to the root of the second moment"),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { GaLoreOptimizer(self, groups) }
}

private final class GaLoreOptimizer: Optimizer {
  private let settings: GaLoreSettings
  private let adamW: PlainAdamW
  private let slots: [ProjectedSlot]
  /// The vectors of the projected parameters, a row each.
  private let vectors: [Tensor]

  init(_ settings: GaLoreSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    adamW = PlainAdamW(beta1: settings.betas[0], beta2: settings.betas[1], epsilon: settings.epsilon)
    slots = ProjectedSlot.all(groups, rank: settings.rank)
    vectors = slots.filter { $0.place != nil }.map {
      Tensor(shape: [settings.rank, $0.isTall ? $0.head.value.columns : $0.head.value.rows])
    }
  }

  var tensors: [NamedTensor] {
    slots.flatMap { slot in
      slot.tensors + (slot.place.map { [("projection.\(slot.head.parameter.name)", vectors[$0])] } ?? [])
    }
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let isNew = (step.number - 1) % settings.interval == 0
    compute.wholes(slots) { slot, gradient in
      compute.ranges(gradient.count) { range in for i in range { gradient.pointer[i] *= step.gradientScale } }
      guard let place = slot.place else {
        adamW.direction(of: gradient, slot.firstMoment, slot.secondMoment, into: gradient, on: compute)
        return adamW.change(step, slot.head, by: gradient, on: compute)
      }
      let kept = vectors[place]
      if isNew { compute.leadingVectors(of: gradient, into: kept) }
      let low =
        slot.isTall ? compute.product(gradient, kept, transposesB: true) : compute.product(kept, gradient)
      adamW.direction(of: low, slot.firstMoment, slot.secondMoment, into: low, on: compute)
      let direction =
        slot.isTall ? compute.product(low, kept) : compute.product(kept, transposesA: true, low)
      adamW.change(step, slot.head, by: direction, scale: Float(settings.scale), on: compute)
    }
  }
}
