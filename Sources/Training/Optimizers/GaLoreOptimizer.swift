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
  package var side = ProjectionSide.std
  package var betas = [0.9, 0.999]
  package var epsilon = 1e-6

  package init() {}

  package static let settings: [Setting<Self>] = [
    .count("rank", \.rank, .atLeast(1), doc: "Singular vectors that are kept; smaller matrices are not projected"),
    .count("update_proj_gap", \.interval, .atLeast(1), unit: "steps", doc: "How long vectors are kept"),
    .number("scale", \.scale, .positive, doc: "What projected steps are multiplied with"),
    .choice(
      "proj_type", \.side, later: true,
      doc:
        "The vectors on the shorter side of a matrix (`std`), the longer one (`reverse_std`), on the `right` or the `left`"
    ),
    .betas(\.betas),
    .epsilon(\.epsilon),
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
    slots = ProjectedSlot.all(groups, rank: settings.rank, side: settings.side)
    vectors = slots.filter { $0.place != nil }.map { Tensor(shape: [settings.rank, $0.length]) }
  }

  var tensors: [NamedTensor] {
    slots.flatMap { slot in
      slot.tensors + (slot.place.map { [("projection.\(slot.head.parameter.name)", vectors[$0])] } ?? [])
    }
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    let isNew = (step.number - 1) % settings.interval == 0
    adamW.take(step, slots, on: compute) { slot, place, gradient in
      let kept = vectors[place]
      if isNew { slot.find(kept, of: gradient, on: compute) }
      let low = slot.lowered(gradient, by: kept, on: compute)
      adamW.direction(of: low, slot.firstMoment, slot.secondMoment, into: low, on: compute)
      let direction = slot.raised(low, by: kept, on: compute)
      adamW.change(step, slot.head, by: direction, scale: Float(settings.scale), on: compute)
    }
  }
}
