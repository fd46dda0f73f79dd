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
    let more: [(key: String, value: JSON)] = [
      ("bos_token_id", id(specialTokens.bos)), ("eos_token_id", id(specialTokens.eos)),
      ("pad_token_id", id(specialTokens.pad)), ("torch_dtype", JSON(elementType.torchName)), ("use_cache", true),
    ]
    return JSON((huggingFaceMembers + more).sorted { $0.key < $1.key })
  }
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
