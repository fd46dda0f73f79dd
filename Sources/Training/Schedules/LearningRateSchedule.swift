import Glibc

/// How the learning rate moves over the steps of a training, as a factor of its peak.
///
/// The formulas of transformers' `get_constant_schedule_with_warmup`, `get_linear_schedule_with_warmup` and
/// `get_cosine_schedule_with_warmup`: step k, from 0, is taken with the factor of k, so that with warm-up the first step
/// changes nothing.
package struct LearningRateSchedule: Sendable, Hashable {
  package enum Shape: String, Sendable, CaseIterable {
    case constant
    case linear
    case cosine
  }

  package enum Warmup: Sendable, Hashable {
    case steps(Int)
    /// A share of all steps, rounded up.
    case ratio(Double)
  }

  package var shape: Shape
  package var warmup: Warmup

  package init(_ shape: Shape, warmup: Warmup = .steps(0)) {
    self.shape = shape
    self.warmup = warmup
  }

  package func warmupSteps(total: Int) -> Int {
    switch warmup {
    case .steps(let steps): steps
    case .ratio(let ratio): Int((Double(total) * ratio).rounded(.up))
    }
  }

  /// The factor of step `step` (from 0) of `total`.
  package func factor(step: Int, total: Int) -> Double {
    let warmup = warmupSteps(total: total)
    if step < warmup { return Double(step) / Double(max(1, warmup)) }
    let rest = Double(max(1, total - warmup))
    switch shape {
    case .constant: return 1
    case .linear: return max(0, Double(total - step) / rest)
    case .cosine: return max(0, 0.5 * (1 + cos(Double.pi * (Double(step - warmup) / rest))))
    }
  }
}
