import CTensorKernels
import Glibc

/// The cosines and sines of rotary positions (arXiv:2104.09864), and which elements of a head they turn.
///
/// Memory: positions · D floats for D turned elements.
package struct RotaryTable: Sendable {
  /// How many elements of a head turn, an even number.
  package let dimension: Int
  /// The first of them; those outside stay as they are.
  package let start: Int
  /// Whether neighbours turn together; otherwise element i with element i + dimension/2.
  package let turnsPairs: Bool
  /// Positions 0 ..< maximumPosition are in the table.
  package let maximumPosition: Int
  /// [positions, dimension/2].
  package let cosines: Tensor
  /// [positions, dimension/2].
  package let sines: Tensor

  /// - Parameters:
  ///   - frequencies: By how much a pair turns from a position to the next, one a pair.
  ///   - factor: What cosines and sines are multiplied by.
  package init(
    frequencies: [Float], maximumPosition: Int, start: Int = 0, turnsPairs: Bool = false, factor: Float = 1
  ) {
    self.start = start
    self.turnsPairs = turnsPairs
    self.maximumPosition = maximumPosition
    let half = frequencies.count
    dimension = 2 * half
    cosines = Tensor(uninitialized: [maximumPosition, half])
    sines = Tensor(uninitialized: [maximumPosition, half])
    onElements {
      for position in 0..<maximumPosition {
        for index in 0..<half {
          let angle = Float(position) * frequencies[index]
          cosines.pointer[position * half + index] = cosf(angle) * factor
          sines.pointer[position * half + index] = sinf(angle) * factor
        }
      }
    }
  }

  /// The frequencies of the paper, base^(−2i/D) for i < D/2, in 32-bit floats in the order of transformers'
  /// `modeling_rope_utils.py`.
  ///
  /// - Parameters:
  ///   - dimension: D, even.
  ///   - base: θ of the model, 10,000 in the paper.
  package static func frequencies(dimension: Int, base: Double) -> [Float] {
    (0..<dimension / 2).map { 1 / powf(Float(base), Float(2 * $0) / Float(dimension)) }
  }

  /// y (+)= scale · x, turned to positions or, as gradients are, back from them: the elements that turn, [rows, dimension].
  func turn(
    _ x: MatrixView, to y: MatrixView, rows: Int, positions: UnsafePointer<Int32>, scale: Float, inverse: Bool,
    accumulates: Bool, _ kernels: UnsafePointer<tk_kernels>
  ) {
    (turnsPairs ? kernels.pointee.rotate_pairs : kernels.pointee.rotate)?(
      y.pointer, y.stride, x.pointer, x.stride, cosines.pointer, sines.pointer, positions, rows, dimension / 2, scale,
      inverse ? 1 : 0, accumulates ? 1 : 0)
  }
}
