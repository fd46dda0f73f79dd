import PreciseJSON
import Training

/// Whether everything that is trained has changed.
package struct MovedParameters: SanityCheck {
  package static let name = "moved_parameters"

  package var movement: ParameterMovement
  /// Steps with a learning rate above 0.
  package var movingSteps: Int

  package init(_ movement: ParameterMovement, movingSteps: Int) {
    self.movement = movement
    self.movingSteps = movingSteps
  }

  /// Parameters that should have moved.
  ///
  /// A fresh adapter's A has no gradient while B is zero: it moves from the second step on.
  package var unmoved: [String] {
    movement.unmoved.filter { movingSteps != 1 || !$0.hasSuffix(".lora_A.weight") }
  }

  package var verdict: SanityVerdict {
    movement.notFinite.isEmpty ? unmoved.isEmpty ? .fine : .warning : .error
  }

  package var evidence: [(key: String, value: JSON)] {
    [
      ("parameters", JSON(movement.parameters)), ("relative_change", JSON(movement.relativeChange)),
      ("moving_steps", JSON(movingSteps)), ("unmoved", .array(unmoved.map { JSON($0) })),
      ("not_finite", .array(movement.notFinite.map { JSON($0) })),
    ]
  }
}
