import Tensors

/// How gradients become changes of parameters, with what is remembered from step to step.
///
/// One training owns it. A step is a function of values, gradients and state alone: how many threads compute it changes no
/// bit. Memory of the state counts in forecasts because it is made of tensors.
package protocol Optimizer: AnyObject {
  /// What a checkpoint holds beside the parameters, always in this order, by names of its own.
  var tensors: [NamedTensor] { get }

  /// Called before the forward pass of a step: an optimizer that trains in turns says here what is trainable.
  ///
  /// - Parameter step: Counts from 1.
  func prepare(step: Int)

  /// Makes ``tensors`` those that there are after so many steps: called before a checkpoint is read.
  func expect(step: Int)

  /// The rate that it takes in a step in place of the schedule's; nil where it takes that.
  ///
  /// - Parameter step: Counts from 1.
  func ownRate(_ step: Int) -> Double?

  /// Changes every parameter of its groups that has a gradient.
  func take(_ step: OptimizerStep, on compute: Compute)

  /// Puts the weights that are to be used in place of those that are trained, or back, where the two differ.
  ///
  /// Called in turn: before and after an evaluation, and once at the end.
  func show(_ weights: ShownWeights)
}

/// Which values the parameters hold.
package enum ShownWeights: Sendable {
  /// Those that gradients are taken at.
  case training
  /// Those that are evaluated and published.
  case result
}

extension Optimizer {
  package func prepare(step: Int) {}
  package func expect(step: Int) {}
  package func ownRate(_ step: Int) -> Double? { nil }
  package func show(_ weights: ShownWeights) {}
}

/// What decides a step apart from values and gradients.
package struct OptimizerStep: Sendable, Hashable {
  /// Counts from 1.
  package var number: Int
  /// The schedule's rate in this step; each group has a factor of its own.
  package var learningRate: Double
  /// What gradients are multiplied with on the way; see `gradientClipScale(norm:maximum:)`.
  package var gradientScale: Float

  package init(number: Int, learningRate: Double, gradientScale: Float = 1) {
    self.number = number
    self.learningRate = learningRate
    self.gradientScale = gradientScale
  }
}

/// A tensor with the name that a checkpoint knows it by.
package typealias NamedTensor = (name: String, tensor: Tensor)

/// Parameters that are treated alike.
package struct ParameterGroup {
  package var parameters: [Parameter]
  /// What the schedule's rate is multiplied with.
  package var rate: Double
  /// Pull towards zero, by the rate.
  package var weightDecay: Double

  package init(_ parameters: [Parameter], rate: Double = 1, weightDecay: Double = 0) {
    self.parameters = parameters
    self.rate = rate
    self.weightDecay = weightDecay
  }
}

/// The constants of an optimizer, and what makes one of them.
package protocol OptimizerSettings: Tunable {
  /// Whether it makes a schedule of the rate pointless.
  static var replacesSchedule: Bool { get }
  /// Whether neither the rate nor its schedule has an effect.
  var ignoresRate: Bool { get }

  /// A fresh optimizer for these parameters.
  func optimizer(for groups: [ParameterGroup]) -> any Optimizer
}

extension OptimizerSettings {
  package static var replacesSchedule: Bool { false }
  package var ignoresRate: Bool { false }
}
