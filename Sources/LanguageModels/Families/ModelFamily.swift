import PreciseJSON

/// A family of models: how its files describe a model, in words that only this family uses.
///
/// All that a family computes is data (``ModelConfiguration``); what it adds is where that data stands in `config.json` and
/// in GGUF metadata, read and written side by side, and what its tensors are called. `docs/adding-a-family.md` shows how.
package protocol ModelFamily: Sendable {
  /// Such as `llama`.
  static var name: String { get }
  /// What people call its models, such as `Llama 1 to 3.3`.
  static var models: String { get }
  /// The values of `model_type` in `config.json` that mean this family.
  static var modelTypes: [String] { get }
  /// The class of transformers that computes it, for `architectures` in a `config.json` that is made here.
  static var modelClass: String { get }
  /// What its modules outside blocks are called.
  static var names: ModelNames { get }
  /// How GGUF files hold it; nil where llama.cpp does not know it.
  static var gguf: GGUFLayout? { get }

  /// Reads what `config.json` says; problems are reported to the reader.
  static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration
  /// The members of `config.json` from which ``read(_:)`` makes the same configuration.
  static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)]
  /// Reads what the metadata and the tensors of a GGUF file say.
  static func read(gguf reader: inout GGUFReader) -> ModelConfiguration
}

extension ModelFamily {
  package static var names: ModelNames { ModelNames() }
  package static var gguf: GGUFLayout? { nil }

  /// For a family that no GGUF file is of.
  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    DecoderShape(&reader).configuration(Self.self)
  }
}

/// What the modules of a model outside its blocks are called in Hugging Face's files.
package struct ModelNames: Sendable, Hashable {
  package var embedding: String
  /// Learned positions, where a model has them.
  package var positions: String
  package var embeddingNorm: String
  package var finalNorm: String
  package var head: String
  /// What the blocks are counted under.
  package var blocks: String

  package init(
    embedding: String = "model.embed_tokens", positions: String = "model.embed_positions",
    embeddingNorm: String = "model.embed_layernorm", finalNorm: String = "model.norm", head: String = "lm_head",
    blocks: String = "model.layers"
  ) {
    self.embedding = embedding
    self.positions = positions
    self.embeddingNorm = embeddingNorm
    self.finalNorm = finalNorm
    self.head = head
    self.blocks = blocks
  }
}

/// How a family's tensors lie in GGUF files.
package struct GGUFLayout: Sendable, Hashable {
  /// The value of `general.architecture`, and the prefix of its keys.
  package var architecture: String
  /// The names of a block's tensors by the names of its modules, such as `attn_q` by `self_attn.q_proj`.
  package var names: [String: String]
  /// Whether rows of query and key are stored with the two halves of each head interleaved, as llama.cpp's rotary operation
  /// wants them for it (`LlamaModel.permute` in its converter).
  package var interleavesHeads = false
  /// What converters add to the weights of norms.
  package var normOffset: Float = 0

  static let embedding = "token_embd"
  static let positions = "position_embd"
  static let embeddingNorm = "token_embd_norm"
  static let finalNorm = "output_norm"
  static let head = "output"
}

/// A family as a value: equal to itself and to no other.
package struct Family: Sendable, Hashable {
  package let type: any ModelFamily.Type

  package init(_ type: any ModelFamily.Type) { self.type = type }

  package var name: String { type.name }

  package static func == (a: Family, b: Family) -> Bool { a.name == b.name }
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
