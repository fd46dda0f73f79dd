import Tensors

/// AdamW as in torch (arXiv:1711.05101): see ``Tensors/AdamW`` for the order of operations.
package struct AdamWSettings: OptimizerSettings, Hashable {
  package static let name = "adamw"
  package static let doc = "is Adam with decoupled weight decay (arXiv:1711.05101)"

  package var betas: [Double]
  package var epsilon: Double

  package init() { self.init(beta1: 0.9, beta2: 0.999) }

  package init(beta1: Double, beta2: Double, epsilon: Double = 1e-8) {
    betas = [beta1, beta2]
    self.epsilon = epsilon
  }

  package static let settings: [Setting<Self>] = [
    .betas(\.betas),
    .epsilon(\.epsilon),
  ]

  package func optimizer(for groups: [ParameterGroup]) -> any Optimizer { AdamWOptimizer(self, groups) }
}

/// Keeps two f32 moments of every parameter: 8 bytes an element.
private final class AdamWOptimizer: Optimizer {
  private let settings: AdamWSettings
  /// The slots of each group, and what its rate is multiplied with.
  private let groups: [(rate: Double, slots: [AdamWSlot])]

  init(_ settings: AdamWSettings, _ groups: [ParameterGroup]) {
    self.settings = settings
    self.groups = groups.map { group in
      (group.rate, group.parameters.map { AdamWSlot(parameter: $0, weightDecay: group.weightDecay) })
    }
  }

  var tensors: [NamedTensor] {
    groups.flatMap(\.slots).flatMap { slot in
      [
        ("first_moment.\(slot.parameter.name)", slot.firstMoment),
        ("second_moment.\(slot.parameter.name)", slot.secondMoment),
      ]
    }
  }

  func take(_ step: OptimizerStep, on compute: Compute) {
    for group in groups {
      let adam = AdamW(
        learningRate: step.learningRate * group.rate, beta1: settings.betas[0], beta2: settings.betas[1],
        epsilon: settings.epsilon)
      compute.update(group.slots, with: adam, step: step.number, gradientScale: step.gradientScale)
    }
  }
}
