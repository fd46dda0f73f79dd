import Tensors

/// A linear map of a decoder block.
package enum ProjectionKind: Int, CaseIterable, Sendable, Hashable {
  case query
  case key
  case value
  case output
  case gate
  case up
  case down

  /// Which products are in bytes in the int8 class: all but those whose rounding moves the scores of attention and its values
  /// (decision 0010).
  package var int8Products: MatrixWeight.Int8Products {
    switch self {
    case .query, .key, .value: .backward
    case .output, .gate, .up, .down: .both
    }
  }

  /// The last part of the module's name in Hugging Face's models, by which adapter targets are named.
  package var shortName: String {
    switch self {
    case .query: "q_proj"
    case .key: "k_proj"
    case .value: "v_proj"
    case .output: "o_proj"
    case .gate: "gate_proj"
    case .up: "up_proj"
    case .down: "down_proj"
    }
  }

  /// The module's name inside a block of Hugging Face's models.
  package var moduleName: String {
    switch self {
    case .query, .key, .value, .output: "self_attn." + shortName
    case .gate, .up, .down: "mlp." + shortName
    }
  }

  /// The tensor's name inside a block of a GGUF file.
  package var ggufName: String {
    switch self {
    case .query: "attn_q"
    case .key: "attn_k"
    case .value: "attn_v"
    case .output: "attn_output"
    case .gate: "ffn_gate"
    case .up: "ffn_up"
    case .down: "ffn_down"
    }
  }
}

/// A norm of a decoder block.
package enum NormKind: Int, CaseIterable, Sendable, Hashable {
  case attention
  case feedForward

  /// The module's name inside a block of Hugging Face's models.
  package var moduleName: String {
    switch self {
    case .attention: "input_layernorm"
    case .feedForward: "post_attention_layernorm"
    }
  }

  /// The tensor's name inside a block of a GGUF file.
  package var ggufName: String {
    switch self {
    case .attention: "attn_norm"
    case .feedForward: "ffn_norm"
    }
  }
}
