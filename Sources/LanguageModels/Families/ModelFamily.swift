/// What sets one family of models apart from the others, as a declaration over the parts that all of them share.
///
/// A family adds no code: the forward pass, the adapters and the readers of configurations look at these fields. A
/// family that differs in a way no field here tells gets a new field, and every other family keeps its old value of it.
package struct ModelFamily: Sendable, Hashable {
  /// Which linear maps add a bias.
  package enum Biases: Sendable, Hashable {
    /// Query, key, value and output where `attention_bias` is set; gate, up and down where `mlp_bias` is.
    case asConfigured
    case always(Set<ProjectionKind>)
  }

  package var name: String
  /// The values of `model_type` in `config.json` that mean this family.
  package var modelTypes: [String]
  /// The class of transformers that computes it, for `architectures` in a `config.json` that is made here.
  package var modelClass: String
  /// The value of `general.architecture` in a GGUF file, and the prefix of its keys.
  package var ggufArchitecture: String
  package var biases: Biases
  /// Whether a GGUF file of this architecture stores the rows of query and key with the two halves of each head
  /// interleaved, as llama.cpp's rotary operation wants them for it (`LlamaModel.permute` in its converter).
  package var interleavesHeadsInGGUF: Bool

  package static let all: [ModelFamily] = [.llama, .qwen2]

  /// The family of a `model_type`.
  package static func of(modelType: String) -> ModelFamily? { all.first { $0.modelTypes.contains(modelType) } }

  /// The family of a `general.architecture`.
  package static func of(ggufArchitecture: String) -> ModelFamily? {
    all.first { $0.ggufArchitecture == ggufArchitecture }
  }
}

extension ModelFamily {
  /// Llama (arXiv:2302.13971, 2307.09288, 2407.21783) and what shares its architecture: SmolLM2, Mistral, TinyLlama.
  package static let llama = ModelFamily(
    name: "llama", modelTypes: ["llama", "mistral"], modelClass: "LlamaForCausalLM", ggufArchitecture: "llama",
    biases: .asConfigured,
    interleavesHeadsInGGUF: true)

  /// Qwen 2 and 2.5 (arXiv:2407.10671): biases on query, key and value.
  package static let qwen2 = ModelFamily(
    name: "qwen2", modelTypes: ["qwen2"], modelClass: "Qwen2ForCausalLM", ggufArchitecture: "qwen2",
    biases: .always([.query, .key, .value]),
    interleavesHeadsInGGUF: false)
}
