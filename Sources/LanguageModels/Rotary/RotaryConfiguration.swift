import Tensors

/// The rotary positions of an attention: which elements of a head they turn, the base of their frequencies, and how those
/// are scaled for longer texts.
package struct RotaryConfiguration: Sendable, Hashable {
  package var base: Double
  package var scaling: RotaryScaling
  /// How many elements of a head turn, an even number.
  package var dimension: Int
  /// The first of them.
  package var start: Int
  /// Whether neighbours turn together, as in GPT-J; otherwise the first half with the second.
  package var turnsPairs: Bool

  package init(
    base: Double, scaling: RotaryScaling = .none, dimension: Int, start: Int = 0, turnsPairs: Bool = false
  ) {
    self.base = base
    self.scaling = scaling
    self.dimension = dimension
    self.start = start
    self.turnsPairs = turnsPairs
  }

  /// - Parameter positions: How many positions to prepare; 8 bytes · dimension/2 each.
  package func table(positions: Int) -> RotaryTable {
    func frequencies(_ length: Int) -> [Float] {
      scaling.frequencies(dimension: dimension, base: base, textLength: length)
    }
    return RotaryTable(
      frequencies: frequencies(scaling.boundary ?? positions),
      longer: scaling.boundary.map { (frequencies($0 + 1), $0) }, maximumPosition: positions, start: start,
      turnsPairs: turnsPairs, factor: Float(scaling.attentionFactor))
  }
}
