import Tensors

/// A norm of a block, of its heads, or one outside of the blocks.
package struct NormConfiguration: Sendable, Hashable {
  /// Its place in a block, or in the model for the last one, as the family's own code names it.
  package var name: String
  package var function: NormFunction
  package var hasWeight: Bool
  package var hasBias: Bool

  package init(_ name: String, _ function: NormFunction, hasWeight: Bool = true, hasBias: Bool = false) {
    self.name = name
    self.function = function
    self.hasWeight = hasWeight
    self.hasBias = hasBias
  }

  /// Without a bias (RMSNorm, arXiv:1910.07467).
  ///
  /// - Parameter weightOffset: 1 where files hold the weight's difference from 1.
  package static func rms(_ name: String, epsilon: Float, weightOffset: Float = 0) -> NormConfiguration {
    NormConfiguration(name, NormFunction(.rootMeanSquare, epsilon: epsilon, weightOffset: weightOffset))
  }

  /// LayerNorm (arXiv:1607.06450).
  package static func layer(_ name: String, epsilon: Float, hasBias: Bool = true) -> NormConfiguration {
    NormConfiguration(name, NormFunction(.layer, epsilon: epsilon), hasBias: hasBias)
  }

  /// The same function under another name.
  package func named(_ name: String) -> NormConfiguration {
    var copy = self
    copy.name = name
    return copy
  }

  /// The tensors that a norm of `shape` elements is stored in.
  func tensors(_ place: TensorRole.Place, _ shape: [Int]) -> [(role: TensorRole, shape: [Int])] {
    (hasWeight ? [(TensorRole(place, "weight", .norm), shape)] : [])
      + (hasBias ? [(TensorRole(place, "bias", .bias), shape)] : [])
  }
}

/// A norm with its weights.
struct Norm {
  let configuration: NormConfiguration
  let weights: NormWeights

  /// - Parameter shape: [C], or [heads, C].
  init(_ configuration: NormConfiguration, _ place: TensorRole.Place, _ shape: [Int], _ loader: WeightLoader) throws {
    self.configuration = configuration
    func parameter(_ suffix: String, _ kind: Parameter.Kind, _ exists: Bool) throws -> Parameter? {
      exists ? try loader.parameter(TensorRole(place, suffix, kind), shape) : nil
    }
    weights = NormWeights(
      weight: try parameter("weight", .norm, configuration.hasWeight),
      bias: try parameter("bias", .bias, configuration.hasBias))
  }

  /// - Parameter width: What is normed by itself; all of a row when nil.
  func callAsFunction(_ tape: Tape, _ x: Variable, width: Int? = nil) -> Variable {
    tape.norm(x, configuration.function, weights, width: width)
  }

  /// a + b and its norm, in one pass over the rows.
  func sum(_ tape: Tape, _ a: Variable, _ b: Variable) -> (sum: Variable, normed: Variable) {
    tape.addNorm(a, b, configuration.function, weights)
  }

  var parameters: [Parameter] { weights.parameters }
}
