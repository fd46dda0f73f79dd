import PreciseJSON
import TensorFiles
import Tensors

/// Whether a merged model says what its base says with the adapter beside it.
///
/// Compared are the log-probabilities of every token of a few rows; see ``MergeComparison``.
package struct MergedModel: SanityCheck {
  package static let name = "merged_model"

  /// What was measured, in nats.
  package struct Numbers: Sendable, Hashable {
    /// Tokens whose log-probabilities were compared.
    package var tokens: Int
    /// Mean −log p: of the base alone, of the base with the adapter, of the merged model.
    package var base: Double
    package var adapted: Double
    package var merged: Double
    /// The root mean square over the tokens of what merging changed, and of what the adapter changed.
    package var difference: Double
    package var effect: Double

    package init(tokens: Int, base: Double, adapted: Double, merged: Double, difference: Double, effect: Double) {
      self.tokens = tokens
      self.base = base
      self.adapted = adapted
      self.merged = merged
      self.difference = difference
      self.effect = effect
    }
  }

  package enum Outcome: Sendable, Hashable {
    case measured(Numbers)
    /// The models do not fit into the memory that is free.
    case notEnoughMemory(needed: Int)
  }

  package var outcome: Outcome
  /// What the merged weights are stored as, and what both models were computed in.
  package var stored: ElementType
  package var computeClass: ComputeClass

  package init(_ outcome: Outcome, stored: ElementType, computeClass: ComputeClass) {
    self.outcome = outcome
    self.stored = stored
    self.computeClass = computeClass
  }

  /// What rounding alone may change: 16 times the unit roundoff of the stored weights and of the arithmetic, for it adds
  /// up over the blocks and is scaled by the spread of the logits, and a thousandth for sums in another order.
  package var bound: Double { 16 * (stored.roundoff + computeClass.roundoff) + 1e-3 }

  package var verdict: SanityVerdict {
    guard case .measured(let numbers) = outcome else { return .warning }
    guard numbers.difference.isFinite else { return .error }
    // More than rounding, and as large as what the adapter does: something else was written than what was trained.
    if numbers.difference > 4 * bound, numbers.difference > numbers.effect / 2 { return .error }
    return numbers.difference > bound || isLostInRounding ? .warning : .fine
  }

  /// Whether rounding changed half as much as training did.
  package var isLostInRounding: Bool {
    guard case .measured(let numbers) = outcome, numbers.difference <= bound else { return false }
    return numbers.effect > 0 && numbers.difference > numbers.effect / 2
  }

  package var evidence: [(key: String, value: JSON)] {
    switch outcome {
    case .measured(let numbers):
      [
        ("tokens", JSON(numbers.tokens)), ("base_loss", JSON(numbers.base)), ("adapted_loss", JSON(numbers.adapted)),
        ("merged_loss", JSON(numbers.merged)), ("difference", JSON(numbers.difference)),
        ("effect", JSON(numbers.effect)), ("bound", JSON(bound)),
      ]
    case .notEnoughMemory(let needed): [("bytes_needed", JSON(needed))]
    }
  }
}

extension ElementType {
  /// The largest relative error of rounding a number to the type.
  fileprivate var roundoff: Double {
    switch self {
    case .bfloat16: 0x1p-8
    case .float16: 0x1p-11
    default: 0x1p-24
    }
  }
}

extension ComputeClass {
  /// The largest relative error of an operand.
  fileprivate var roundoff: Double {
    switch self {
    case .f32: 0x1p-24
    case .int16: 0x1p-12
    case .bf16, .int8: 0x1p-8
    }
  }
}
