import Glibc

/// The cosines and sines of rotary positions in the halves layout of HF transformers.
///
/// Dimension i turns with dimension i + D/2 (Su et al. 2021). Computed in 32-bit floats in the order of
/// transformers' `modeling_rope_utils.py`. Memory: positions · D floats.
package struct RotaryTable: Sendable {
  /// How a model stretches the frequencies for contexts longer than it was first trained with.
  package enum Scaling: Sendable, Hashable {
    case none
    /// All frequencies divided by `factor`.
    case linear(factor: Double)
    /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a ramp between.
    case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalMaximumPosition: Int)
    /// Each frequency divided by a number of its own, D/2 in all: `rope_freqs.weight` of GGUF files, and what transformers
    /// calls `longrope` where short and long texts have the same numbers.
    case factors([Float])
  }

  package let headDimension: Int
  /// Positions 0 ..< maximumPosition are in the table.
  package let maximumPosition: Int
  /// [positions, D/2].
  package let cosines: Tensor
  /// [positions, D/2].
  package let sines: Tensor

  /// - `headDimension`: even.
  /// - `base`: θ of the model, 10,000 in the paper.
  /// - `scaling`: with as many factors as frequencies where it has some.
  package init(headDimension: Int, maximumPosition: Int, base: Double, scaling: Scaling = .none) {
    precondition(headDimension % 2 == 0, "Rotary positions need an even head dimension, found \(headDimension)")
    if case .factors(let factors) = scaling {
      precondition(factors.count == headDimension / 2, "\(factors.count) factors for \(headDimension / 2) frequencies")
    }
    self.headDimension = headDimension
    self.maximumPosition = maximumPosition
    let half = headDimension / 2
    let frequencies = (0..<half).map { index in
      let period = powf(Float(base), Float(2 * index) / Float(headDimension))
      if case .factors(let factors) = scaling { return 1 / (factors[index] * period) }
      return RotaryTable.scaled(1 / period, scaling)
    }
    cosines = Tensor(uninitialized: [maximumPosition, half])
    sines = Tensor(uninitialized: [maximumPosition, half])
    for position in 0..<maximumPosition {
      for index in 0..<half {
        let angle = Float(position) * frequencies[index]
        cosines.pointer[position * half + index] = cosf(angle)
        sines.pointer[position * half + index] = sinf(angle)
      }
    }
  }

  /// What ``Scaling/llama3`` divides each of the D/2 frequencies by: how converters to GGUF write it down.
  package static func llama3Factors(
    headDimension: Int, base: Double, factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double,
    originalMaximumPosition: Int
  ) -> [Float] {
    let scaling = Scaling.llama3(
      factor: factor, lowFrequencyFactor: lowFrequencyFactor, highFrequencyFactor: highFrequencyFactor,
      originalMaximumPosition: originalMaximumPosition)
    return (0..<headDimension / 2).map { index in
      let frequency = 1 / powf(Float(base), Float(2 * index) / Float(headDimension))
      return frequency / scaled(frequency, scaling)
    }
  }

  private static func scaled(_ frequency: Float, _ scaling: Scaling) -> Float {
    switch scaling {
    case .none, .factors: return frequency
    case .linear(let factor): return frequency / Float(factor)
    case .llama3(let factor, let low, let high, let original):
      let wavelength = 2 * Float.pi / frequency
      if wavelength < Float(Double(original) / high) { return frequency }
      if wavelength > Float(Double(original) / low) { return frequency / Float(factor) }
      let smooth = (Float(original) / wavelength - Float(low)) / Float(high - low)
      return (1 - smooth) * frequency / Float(factor) + smooth * frequency
    }
  }
}
