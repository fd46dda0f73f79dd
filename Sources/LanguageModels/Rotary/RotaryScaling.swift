import Glibc
import Tensors

/// How a model stretches its rotary frequencies for texts that are longer than those it was first trained with.
///
/// Computed in 32-bit floats in the order of transformers' `modeling_rope_utils.py`.
package enum RotaryScaling: Sendable, Hashable {
  case none
  /// All frequencies divided by `factor` (arXiv:2306.15595).
  case linear(factor: Double)
  /// A larger base for texts that are longer than the model was made for ("NTK-aware"): none of those are taken here, so
  /// that the frequencies are the plain ones.
  case dynamic(factor: Double)
  /// A base that is larger by α^(D / (D − 2)) whatever the length.
  case alpha(Double)
  /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a ramp between.
  case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalMaximumPosition: Int)
  case yarn(Yarn)
  case longRope(LongRope)

  /// What cosines and sines are multiplied by.
  package var attentionFactor: Double {
    switch self {
    case .none, .linear, .dynamic, .alpha, .llama3: 1
    case .yarn(let yarn): yarn.attentionFactor
    case .longRope(let longRope): longRope.effectiveAttentionFactor
    }
  }

  /// How many factors of its own it has; nil where it needs none.
  var factorCount: Int? {
    if case .longRope(let longRope) = self { longRope.shortFactors.count } else { nil }
  }

  /// The tokens of the longest text that is turned as short ones are; nil where all texts are turned alike.
  package var boundary: Int? {
    guard case .longRope(let longRope) = self, longRope.shortFactors != longRope.longFactors else { return nil }
    return longRope.originalMaximumPosition
  }

  /// The frequencies of `dimension` turned elements.
  ///
  /// - Parameter textLength: How many tokens the text has that is to be computed.
  package func frequencies(dimension: Int, base: Double, textLength: Int) -> [Float] {
    switch self {
    case .none, .dynamic: return RotaryTable.frequencies(dimension: dimension, base: base)
    case .linear(let factor):
      return RotaryTable.frequencies(dimension: dimension, base: base).map { $0 / Float(factor) }
    case .alpha(let alpha):
      let larger = base * pow(alpha, Double(dimension) / Double(dimension - 2))
      return RotaryTable.frequencies(dimension: dimension, base: larger)
    case .llama3:
      return RotaryTable.frequencies(dimension: dimension, base: base).map(llama3)
    case .yarn(let yarn): return yarn.frequencies(dimension: dimension, base: base)
    case .longRope(let longRope):
      let factors = textLength > longRope.originalMaximumPosition ? longRope.longFactors : longRope.shortFactors
      return zip(factors, 0..<dimension / 2).map { factor, index in
        1 / (factor * powf(Float(base), Float(2 * index) / Float(dimension)))
      }
    }
  }

  /// What Llama 3.1's recipe divides each of the frequencies by: how converters to GGUF write it down.
  static func llama3Factors(
    dimension: Int, base: Double, factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
    originalMaximumPosition: Int
  ) -> [Float] {
    let scaling = RotaryScaling.llama3(
      factor: factor, lowFrequencyFactor: lowFrequencyFactor, highFrequencyFactor: highFrequencyFactor,
      originalMaximumPosition: originalMaximumPosition)
    return RotaryTable.frequencies(dimension: dimension, base: base).map { $0 / scaling.llama3($0) }
  }

  private func llama3(_ frequency: Float) -> Float {
    guard case .llama3(let factor, let low, let high, let original) = self else { return frequency }
    let wavelength = 2 * Float.pi / frequency
    if wavelength < Float(Double(original) / high) { return frequency }
    if wavelength > Float(Double(original) / low) { return frequency / Float(factor) }
    let smooth = (Float(original) / wavelength - Float(low)) / Float(high - low)
    return (1 - smooth) * frequency / Float(factor) + smooth * frequency
  }
}
