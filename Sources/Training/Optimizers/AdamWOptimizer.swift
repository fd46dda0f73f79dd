import Tensors

/// AdamW as in torch (arXiv:1711.05101): see ``Tensors/AdamW`` for the order of operations.
package struct AdamWSettings: OptimizerSettings, Hashable {
  package var beta1: Double
  package var beta2: Double
  package var epsilon: Double

  package init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  package func validate() throws(TrainingError) {
    try check(
      "betas", "\(beta1), \(beta2)", "numbers from 0 to below 1", (0..<1).contains(beta1) && (0..<1).contains(beta2))
    try check("epsilon", epsilon, "a number of at least 0", epsilon >= 0 && epsilon.isFinite)
  }

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
        learningRate: step.learningRate * group.rate, beta1: settings.beta1, beta2: settings.beta2,
        epsilon: settings.epsilon)
      compute.update(group.slots, with: adam, step: step.number, gradientScale: step.gradientScale)
    }
  }
}
