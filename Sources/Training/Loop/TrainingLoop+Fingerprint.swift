import Glibc
import LanguageModels
import Tensors

extension TrainingLoop {
  /// What tells this training from another one that might have left checkpoints in the same folder: every setting of
  /// stage and loop, the number of rows and steps, and the parameters.
  ///
  /// A guard against mistakes, not a key: which folder belongs to which training is the caller's business.
  func fingerprint(totalSteps: Int) -> String {
    let parameters = parameters.map { "\($0.name)\($0.value.shape)" }.joined(separator: ";")
    let arithmetic = model.compute.computeClass.rawValue
    return "\(stage.identity);\(arithmetic);\(rows.count);\(totalSteps);\(settings);\(parameters)"
  }
}

/// Seconds since some moment, on the system's monotonic clock.
package func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
