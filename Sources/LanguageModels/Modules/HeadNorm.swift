import Tensors

/// A norm of queries or keys between their maps and attention.
package struct HeadNormConfiguration: Sendable, Hashable {
  /// What is normed together.
  package enum Extent: Sendable, Hashable {
    /// Each head by itself, all with the same weights.
    case head
    /// Each head by itself, with its own row of the weights.
    case ownHead
    /// Each head by itself, with a norm of its own, named `norms.0`, `norms.1`, ….
    case ownNorm
    /// All heads together.
    case all
  }

  package var norm: NormConfiguration
  package var extent: Extent

  package init(_ norm: NormConfiguration, _ extent: Extent = .head) {
    self.norm = norm
    self.extent = extent
  }

  /// Every tensor.
  func tensors(layer: Int, heads: Int, dimension: Int) -> [(role: TensorRole, shape: [Int])] {
    let shape: [Int]
    switch extent {
    case .head: shape = [dimension]
    case .ownHead: shape = [heads, dimension]
    case .all: shape = [heads * dimension]
    case .ownNorm:
      return (0..<heads).flatMap { head in
        norm.tensors(.block("\(norm.name).norms.\(head)", layer: layer), [dimension])
      }
    }
    return norm.tensors(.block(norm.name, layer: layer), shape)
  }
}

/// A norm of heads with its weights.
struct HeadNorm {
  private let function: NormFunction
  private let weights: NormWeights
  private let width: Int?

  init(
    _ configuration: HeadNormConfiguration, layer: Int, heads: Int, dimension: Int, _ loader: WeightLoader
  ) throws {
    function = configuration.norm.function
    let parameters = try configuration.tensors(layer: layer, heads: heads, dimension: dimension)
      .map { try loader.parameter($0.role, $0.shape) }
    weights = NormWeights(
      weights: parameters.filter { $0.kind == .norm }, bias: parameters.first { $0.kind == .bias })
    width = configuration.extent == .all ? nil : dimension
  }

  func callAsFunction(_ tape: Tape, _ x: Variable) -> Variable { tape.norm(x, function, weights, width: width) }

  var parameters: [Parameter] { weights.parameters }
}
