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
  /// The tokens of the longest text that the first `boundary` rows are for; nil where all texts have the same.
  ///
  /// The rows of longer texts stand behind them.
  package let boundary: Int?
  /// [rows, dimension/2].
  package let cosines: Tensor
  /// [rows, dimension/2].
  package let sines: Tensor

  /// - Parameters:
  ///   - frequencies: By how much a pair turns from a position to the next, one a pair.
  ///   - longer: Those of texts with more tokens than `boundary`.
  ///   - factor: What cosines and sines are multiplied by.
  package init(
    frequencies: [Float], longer: (frequencies: [Float], boundary: Int)? = nil, maximumPosition: Int, start: Int = 0,
    turnsPairs: Bool = false, factor: Float = 1
  ) {
    self.start = start
    self.turnsPairs = turnsPairs
    self.maximumPosition = maximumPosition
    let longer = longer.flatMap { $0.boundary < maximumPosition ? $0 : nil }
    boundary = longer?.boundary
    let half = frequencies.count
    dimension = 2 * half
    let first = longer?.boundary ?? maximumPosition
    let count = longer.map { $0.boundary + maximumPosition } ?? maximumPosition
    cosines = Tensor(uninitialized: [count, half])
    sines = Tensor(uninitialized: [count, half])
    onElements {
      for row in 0..<count {
        let (position, frequencies) = row < first ? (row, frequencies) : (row - first, longer?.frequencies ?? [])
        for index in 0..<half {
          let angle = Float(position) * frequencies[index]
          cosines.pointer[row * half + index] = cosf(angle) * factor
          sines.pointer[row * half + index] = sinf(angle) * factor
        }
      }
    }
  }

  /// The rows of the table that turn the tokens which `context` holds or takes: their positions, but for longer texts.
  package func rows(of tokens: Int, in context: AttentionContext) -> [Int32] {
    switch context {
    case .packed(let layout):
      guard let boundary else {
        // The first row of the table turns nothing.
        return layout.unturned == 0
          ? layout.positions : layout.positions.map { $0 < Int32(layout.unturned) ? 0 : $0 }
      }
      return layout.segments.flatMap { segment in
        let first = segment.position + (segment.textLength > boundary ? boundary : 0)
        return (first..<first + segment.count).map { Int32($0) }
      }
    case .cached(let cache, let slots):
      let each = tokens / slots.count
      return slots.flatMap { slot in
        let length = max(cache.textLengths[slot], cache.counts[slot] + each)
        let first = cache.counts[slot] + (boundary.map { length > $0 ? $0 : 0 } ?? 0)
        return (first..<first + each).map { $0 < cache.unturned ? 0 : Int32($0) }
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
  ///
  /// - Parameter positions: Rows of the table.
  func turn(
    _ x: MatrixView, to y: MatrixView, rows: Int, positions: UnsafePointer<Int32>, scale: Float, inverse: Bool,
    accumulates: Bool, _ kernels: UnsafePointer<tk_kernels>
  ) {
    (turnsPairs ? kernels.pointee.rotate_pairs : kernels.pointee.rotate)?(
      y.pointer, y.stride, x.pointer, x.stride, cosines.pointer, sines.pointer, positions, rows, dimension / 2, scale,
      inverse ? 1 : 0, accumulates ? 1 : 0)
  }
}
