import Tensors

/// Weights whose reader may be asked to stop between two tensors.
package struct WatchedWeights: WeightSource {
  private let weights: any WeightSource
  private let watch: () throws -> Void

  /// - Parameter watch: Asked before every tensor; what it throws ends the reading.
  package init(_ weights: any WeightSource, watch: @escaping () throws -> Void) {
    self.weights = weights
    self.watch = watch
  }

  package var origin: String { weights.origin }
  package func has(_ name: String) -> Bool { weights.has(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    try watch()
    return try weights.tensor(named: name, shape: shape)
  }

  package func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)? {
    try watch()
    return try weights.stored(named: name, shape: shape, transposed: transposed)
  }
}
