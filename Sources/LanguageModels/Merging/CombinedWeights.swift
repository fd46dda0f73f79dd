import Tensors

/// The weights of several models as those of one, each tensor made when it is asked for.
///
/// Memory: the tensor of the result and as many more as there are models that are combined by differences from a base; two
/// otherwise.
package struct CombinedWeights: WeightSource {
  private let models: [any WeightSource]
  private let base: (any WeightSource)?
  private let combination: ModelCombination
  private let pool: ThreadPool
  package let origin: String

  /// - Parameter origin: What messages call the result.
  package init(
    _ combination: ModelCombination, of models: [any WeightSource], base: (any WeightSource)?, pool: ThreadPool,
    origin: String
  ) {
    self.combination = combination
    self.models = models
    self.base = base
    self.pool = pool
    self.origin = origin
  }

  package func has(_ name: String) -> Bool { (models + [base].compactMap { $0 }).allSatisfy { $0.has(name) } }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    try combination.combined(
      name, count: models.count, tensors: { try models[$0].tensor(named: name, shape: shape) },
      base: {
        guard let base else { throw WeightError.unknown(name: name) }
        return try base.tensor(named: name, shape: shape)
      }, pool: pool)
  }
}
