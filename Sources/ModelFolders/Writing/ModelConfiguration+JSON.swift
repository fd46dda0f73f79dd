import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors
import Tokenization

extension ModelConfiguration {
  /// A `config.json` from which the configuration can be read again.
  package var json: JSON { huggingFaceJSON(elementType: .float32, specialTokens: SpecialTokens()) }

  /// A `config.json` for a model that came without one.
  func huggingFaceJSON(elementType: ElementType, specialTokens: SpecialTokens) -> JSON {
    func id(_ token: SpecialTokens.Token?) -> JSON { token.map { JSON(Int($0.id)) } ?? .null }
    let attention = biases.isSuperset(of: [.query, .key, .value, .output])
    let feedForward = biases.isSuperset(of: [.gate, .up, .down])
    return [
      "architectures": [JSON(family.modelClass)], "attention_bias": JSON(attention),
      "bos_token_id": id(specialTokens.bos), "eos_token_id": id(specialTokens.eos), "head_dim": JSON(headDimension),
      "hidden_act": "silu", "hidden_size": JSON(hiddenSize), "intermediate_size": JSON(feedForwardSize),
      "max_position_embeddings": JSON(maximumPositions), "mlp_bias": JSON(feedForward),
      "model_type": JSON(family.modelTypes.first ?? family.name), "num_attention_heads": JSON(queryHeads),
      "num_hidden_layers": JSON(layerCount), "num_key_value_heads": JSON(keyValueHeads),
      "pad_token_id": id(specialTokens.pad), "rms_norm_eps": .number(JSONNumber(text: "\(normEpsilon)")),
      "rope_scaling": rotaryScaling.huggingFaceJSON(maximumPositions), "rope_theta": JSON(rotaryBase),
      "tie_word_embeddings": JSON(tiesHead), "torch_dtype": JSON(elementType.torchName), "use_cache": true,
      "vocab_size": JSON(vocabularySize),
    ]
  }
}

extension RotaryTable.Scaling {
  /// The `rope_scaling` of a `config.json`.
  fileprivate func huggingFaceJSON(_ maximumPositions: Int) -> JSON {
    switch self {
    case .none: .null
    case .linear(let factor): ["rope_type": "linear", "factor": JSON(factor)]
    case .llama3(let factor, let low, let high, let original):
      [
        "rope_type": "llama3", "factor": JSON(factor), "low_freq_factor": JSON(low), "high_freq_factor": JSON(high),
        "original_max_position_embeddings": JSON(original),
      ]
    case .factors(let factors):
      [
        "rope_type": "longrope", "attention_factor": 1.0, "factor": 1.0, "long_factor": .array(factors.map(Self.json)),
        "original_max_position_embeddings": JSON(maximumPositions), "short_factor": .array(factors.map(Self.json)),
      ]
    }
  }
}

extension RotaryTable.Scaling {
  /// The shortest text that reads back as the same 32-bit number.
  private static func json(_ factor: Float) -> JSON { .number(JSONNumber(text: "\(factor)")) }
}

extension ElementType {
  /// The name that torch has for the type.
  var torchName: String {
    switch self {
    case .float64: "float64"
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .int64: "int64"
    case .int32: "int32"
    case .int16: "int16"
    case .int8: "int8"
    case .uint8: "uint8"
    case .bool: "bool"
    }
  }
}

extension JSON {
  /// A `config.json` that says that the head is not the embedding.
  var untied: JSON {
    guard var object else { return self }
    object["tie_word_embeddings"] = false
    return .object(object)
  }

  /// A `config.json` that says another element type: under `dtype` where transformers 5 wrote it, else under
  /// `torch_dtype`, which all versions read.
  func withElementType(_ type: ElementType) -> JSON {
    guard var object else { return self }
    object[object["dtype"] == nil ? "torch_dtype" : "dtype"] = JSON(type.torchName)
    return .object(object)
  }
}
