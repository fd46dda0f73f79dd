import Tensors

/// What a stored tensor is in a model.
///
/// What it is called in a file is the family's business.
package enum TensorRole: Sendable, Hashable {
  case embedding
  case finalNorm
  case head
  /// A norm of a block, by its name in the block.
  case norm(String, layer: Int)
  /// The weight of a linear map of a block, by the map's name in the block.
  case weight(String, layer: Int)
  case bias(String, layer: Int)

  /// What the tensor is to an optimizer.
  var parameterKind: Parameter.Kind {
    switch self {
    case .embedding: .embedding
    case .finalNorm, .norm: .norm
    case .head, .weight: .matrix
    case .bias: .bias
    }
  }
}

/// A tensor that a model's files must hold.
package struct TensorSpecification: Sendable, Hashable {
  /// The name in Hugging Face's files.
  package var name: String
  package var role: TensorRole
  /// Row-major; a linear map is [out, in].
  package var shape: [Int]
}

extension ModelConfiguration {
  /// The name of a tensor in Hugging Face's files, such as `model.layers.0.self_attn.q_proj.weight`.
  package func name(of role: TensorRole) -> String {
    let names = family.type.names
    switch role {
    case .embedding: return names.embedding + ".weight"
    case .finalNorm: return names.finalNorm + ".weight"
    case .head: return names.head + ".weight"
    case .norm(let name, let layer), .weight(let name, let layer): return moduleName(name, layer: layer) + ".weight"
    case .bias(let name, let layer): return moduleName(name, layer: layer) + ".bias"
    }
  }

  /// The name of a module of a block in Hugging Face's models, such as `model.layers.0.self_attn.q_proj`.
  package func moduleName(_ name: String, layer: Int) -> String { "\(family.type.names.blocks).\(layer).\(name)" }
}
