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
  package init(headDimension: Int, maximumPosition: Int, base: Double, scaling: Scaling = .none) {
    precondition(headDimension % 2 == 0, "Rotary positions need an even head dimension, found \(headDimension)")
    self.headDimension = headDimension
    self.maximumPosition = maximumPosition
    let half = headDimension / 2
    let frequencies = (0..<half).map { index in
      RotaryTable.scaled(1 / powf(Float(base), Float(2 * index) / Float(headDimension)), scaling)
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

  private static func scaled(_ frequency: Float, _ scaling: Scaling) -> Float {
    switch scaling {
    case .none: return frequency
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
