import Tensors

/// What a stored tensor is in a model.
///
/// What it is called in a file is the family's business.
package struct TensorRole: Sendable, Hashable {
  /// The module that a tensor belongs to.
  package enum Place: Sendable, Hashable {
    case embedding
    /// Learned positions.
    case positions
    case embeddingNorm
    case finalNorm
    case head
    /// A module of a block, by its name in the block.
    case block(String, layer: Int)
  }

  package var place: Place
  /// Which tensor of the module: `weight`, `bias`; empty where the module is one tensor.
  package var suffix: String
  /// What the tensor is to an optimizer.
  package var kind: Parameter.Kind
  /// Which part of the tensor is meant; nil for all of it.
  package var part: ExpertPart?

  package init(_ place: Place, _ suffix: String, _ kind: Parameter.Kind, part: ExpertPart? = nil) {
    self.place = place
    self.suffix = suffix
    self.kind = kind
    self.part = part
  }

  /// All of the tensor that this is a part of.
  var whole: TensorRole { TensorRole(place, suffix, kind) }

  package static let embedding = TensorRole(.embedding, "weight", .embedding)
  package static let positions = TensorRole(.positions, "weight", .embedding)
  package static let finalNorm = TensorRole(.finalNorm, "weight", .norm)
  package static let head = TensorRole(.head, "weight", .matrix)

  /// The weight of a linear map of a block, by the map's name in the block.
  package static func weight(_ map: String, layer: Int) -> TensorRole {
    TensorRole(.block(map, layer: layer), "weight", .matrix)
  }

  package static func bias(_ map: String, layer: Int) -> TensorRole {
    TensorRole(.block(map, layer: layer), "bias", .bias)
  }
}

/// A tensor that a model's files must hold.
package struct TensorSpecification: Sendable, Hashable {
  /// The name in Hugging Face's files.
  package var name: String
  package var role: TensorRole
  /// Row-major, as Hugging Face's files have it; a linear map is [out, in] as a rule.
  package var shape: [Int]
}

extension ModelConfiguration {
  /// The name of a tensor in Hugging Face's files, such as `model.layers.0.self_attn.q_proj.weight`.
  package func name(of role: TensorRole) -> String {
    let names = family.type.names
    let module =
      switch role.place {
      case .embedding: names.embedding
      case .positions: names.positions
      case .embeddingNorm: names.embeddingNorm
      case .finalNorm: names.finalNorm
      case .head: names.head
      case .block(let name, let layer): moduleName(name, layer: layer)
      }
    return (role.suffix.isEmpty ? module : module + "." + role.suffix) + (role.part?.name ?? "")
  }

  /// The name of a module of a block in Hugging Face's models, such as `model.layers.0.self_attn.q_proj`.
  package func moduleName(_ name: String, layer: Int) -> String { "\(family.type.names.blocks).\(layer).\(name)" }
}
