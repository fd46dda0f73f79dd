import Tensors

/// Weights of any model of which nothing but the shapes is known, for a ``Tensors/MemoryCount``.
package struct WeightShapes: WeightSource {
  package init() {}

  package var origin: String { "the configuration" }
  package func has(_ name: String) -> Bool { true }

  /// A tensor whose elements are not set.
  package func tensor(named name: String, shape: [Int]) -> Tensor { Tensor(uninitialized: shape) }
}
