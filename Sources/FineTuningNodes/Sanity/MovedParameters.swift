import PreciseJSON
import Training

/// Whether everything that is trained has changed.
package struct MovedParameters: SanityCheck {
  package static let name = "moved_parameters"

  package var movement: ParameterMovement
  /// Parameters that should have moved.
  package let unmoved: [String]
  /// Steps with a learning rate above 0.
  package var movingSteps: Int

  /// - Parameter movesLate: Whether a parameter has no gradient before others have moved, as a fresh adapter's A while B is
  ///   zero: it moves from the second step on.
  package init(_ movement: ParameterMovement, movingSteps: Int, movesLate: (String) -> Bool) {
    self.movement = movement
    self.movingSteps = movingSteps
    unmoved = movement.unmoved.filter { movingSteps != 1 || !movesLate($0) }
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
