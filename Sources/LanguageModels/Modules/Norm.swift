import Tensors

/// A norm of a block, or the one before the head: the root mean square over a row's elements (RMSNorm, arXiv:1910.07467).
package struct NormConfiguration: Sendable, Hashable {
  /// Its place in a block, or in the model for the last one, as the family's own code names it.
  package var name: String
  package var epsilon: Float

  package init(_ name: String, epsilon: Float) {
    self.name = name
    self.epsilon = epsilon
  }
}

/// A norm with its weights.
struct Norm {
  let configuration: NormConfiguration
  /// [C].
  let weight: Parameter

  /// - Parameter width: C.
  init(_ configuration: NormConfiguration, layer: Int, width: Int, _ loader: WeightLoader) throws {
    try self.init(configuration, loader.parameter(.norm(configuration.name, layer: layer), [width]))
  }

  init(_ configuration: NormConfiguration, _ weight: Parameter) {
    self.configuration = configuration
    self.weight = weight
  }

  func callAsFunction(_ tape: Tape, _ x: Variable) -> Variable {
    tape.rmsNorm(x, weight: weight, epsilon: configuration.epsilon)
  }

  /// a + b and its norm, in one pass over the rows.
  func sum(_ tape: Tape, _ a: Variable, _ b: Variable) -> (sum: Variable, normed: Variable) {
    let (sum, normed) = tape.addRMSNorm(a, b, weight: weight, epsilon: configuration.epsilon)
    return (sum, normed)
  }
}
