/// What a stored tensor is in a model, and so its name in either file format.
package enum TensorRole: Sendable, Hashable {
  case embedding
  case finalNorm
  case head
  case norm(NormKind, layer: Int)
  case weight(ProjectionKind, layer: Int)
  case bias(ProjectionKind, layer: Int)

  /// The name in Hugging Face's files, such as `model.layers.0.self_attn.q_proj.weight`.
  package var name: String {
    switch self {
    case .embedding: "model.embed_tokens.weight"
    case .finalNorm: "model.norm.weight"
    case .head: "lm_head.weight"
    case .norm(let kind, let layer): "model.layers.\(layer).\(kind.moduleName).weight"
    case .weight(let kind, let layer): "model.layers.\(layer).\(kind.moduleName).weight"
    case .bias(let kind, let layer): "model.layers.\(layer).\(kind.moduleName).bias"
    }
  }

  /// The name in GGUF files, such as `blk.0.attn_q.weight`.
  package var ggufName: String {
    switch self {
    case .embedding: "token_embd.weight"
    case .finalNorm: "output_norm.weight"
    case .head: "output.weight"
    case .norm(let kind, let layer): "blk.\(layer).\(kind.ggufName).weight"
    case .weight(let kind, let layer): "blk.\(layer).\(kind.ggufName).weight"
    case .bias(let kind, let layer): "blk.\(layer).\(kind.ggufName).bias"
    }
  }
}

/// A tensor that a model's files must hold.
package struct TensorSpecification: Sendable, Hashable {
  package var role: TensorRole
  /// Row-major; a linear map is [out, in].
  package var shape: [Int]

  /// The name in Hugging Face's files.
  package var name: String { role.name }
}
