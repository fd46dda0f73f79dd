import PreciseJSON
import Training

/// Whether the gradients of a training were there, and stayed of a size.
///
/// Gradients that are no numbers end the training at their step, and so do those that never were anything but zero.
package struct GradientCourse: SanityCheck {
  package static let name = "gradient"

  package var watch: TrainingWatch

  package init(_ watch: TrainingWatch) { self.watch = watch }

  package var verdict: SanityVerdict { watch.zeroSteps > 0 || watch.grownSteps > 0 ? .warning : .fine }

  package var evidence: [(key: String, value: JSON)] {
    [
      ("first_norm", JSON(watch.firstNorm)), ("usual_norm", watch.usualNorm.map { JSON($0) } ?? .null),
      ("largest_norm", JSON(watch.largestNorm)), ("largest_step", JSON(watch.largestStep)),
      ("steps_above_bound", JSON(watch.grownSteps)), ("zero_steps", JSON(watch.zeroSteps)),
    ]
  }
}
