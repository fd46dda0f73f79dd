import Tensors

/// The rotary positions of a model: the base of their frequencies, and how those are scaled for longer texts.
package struct RotaryConfiguration: Sendable, Hashable {
  package var base: Double
  package var scaling: RotaryTable.Scaling

  package init(base: Double, scaling: RotaryTable.Scaling = .none) {
    self.base = base
    self.scaling = scaling
  }

  /// - Parameters:
  ///   - dimension: D, even.
  ///   - positions: How many positions to prepare; 8 bytes · D/2 each.
  func table(dimension: Int, positions: Int) -> RotaryTable {
    RotaryTable(headDimension: dimension, maximumPosition: positions, base: base, scaling: scaling)
  }
}
