import PreciseJSON
import Tensors

/// Latent attention as DeepSeek's families say it.
struct LatentReader {
  private let queryRank: Int?
  private let rank: Int
  private let still: Int
  private let turned: Int
  private let value: Int
  private let hasBias: Bool
  private let rotary: RotaryConfiguration

  /// - Parameter turnsPairs: Whether positions turn neighbours.
  init(_ reader: inout ConfigurationReader, _ shape: DecoderShape, turnsPairs: Bool) {
    queryRank =
      reader.isNull("q_lora_rank") || reader.lookup("q_lora_rank") == nil ? nil : reader.positive("q_lora_rank")
    rank = reader.positive("kv_lora_rank", default: 512)
    still = reader.positive("qk_nope_head_dim", default: 128)
    turned = reader.positive("qk_rope_head_dim", default: 64)
    value = reader.positive("v_head_dim", default: 128)
    hasBias = reader.flag("attention_bias", default: false)
    // The sum of two others.
    _ = reader.lookup("qk_head_dim")
    var defaults = RotaryDefaults()
    defaults.turnsPairs = turnsPairs
    var rotary = RotaryConfiguration(&reader, headDimension: turned, defaults)
    rotary.start = still
    self.rotary = rotary
  }

  /// What GGUF files say, older ones of the whole heads, newer ones of those under keys of their own.
  ///
  /// The scaling of positions is that of ``DecoderShape``.
  init(_ reader: inout GGUFReader, _ shape: DecoderShape) {
    let ranked = reader.values.lookup(reader.key("attention.q_lora_rank")) != nil
    queryRank = ranked ? reader.positive("attention.q_lora_rank") : nil
    rank = reader.positive("attention.kv_lora_rank")
    turned = shape.headDimension
    let older = (
      reader.values.lookup(reader.key("attention.key_length")),
      reader.values.lookup(reader.key("attention.value_length"))
    )
    let isNewer = reader.values.lookup(reader.key("attention.key_length_mla")) != nil || older.0 == nil
    let suffix = isNewer ? "_length_mla" : "_length"
    let whole = reader.positive("attention.key" + suffix)
    value = reader.positive("attention.value" + suffix)
    if whole <= turned {
      reader.values.report(.inconsistent("Heads have \(whole) elements and rotary positions \(turned): too many"))
    }
    still = max(1, whole - turned)
    hasBias = reader.has("attn_kv_a_mqa.bias")
    // Of all heads together, as llama.cpp computes them.
    _ = reader.values.lookup(reader.key("attention.head_count_kv"))
    var rotary = shape.rotary ?? RotaryConfiguration(base: 10_000, dimension: turned, turnsPairs: true)
    rotary.start = still
    self.rotary = rotary
  }

  func configuration(_ shape: DecoderShape) -> AttentionConfiguration {
    let (width, heads) = (shape.hiddenSize, shape.queryHeads)
    func map(_ name: String, _ inputs: Int, _ outputs: Int, _ hasBias: Bool = false) -> LinearConfiguration {
      LinearConfiguration(
        "self_attn.\(name)", inputs: inputs, outputs: outputs, hasBias: hasBias, int8Products: .backward)
    }
    let size = still + turned
    let latent = LatentConfiguration(
      queryDown: queryRank.map { map("q_a_proj", width, $0, hasBias) },
      // Not the epsilon of the other norms.
      queryNorm: queryRank.map { _ in .rms("self_attn.q_a_layernorm", epsilon: 1e-6) },
      query: queryRank.map { map("q_b_proj", $0, heads * size) } ?? map("q_proj", width, heads * size),
      keyValueDown: map("kv_a_proj_with_mqa", width, rank + turned, hasBias),
      keyValueNorm: .rms("self_attn.kv_a_layernorm", epsilon: 1e-6),
      keyValueUp: map("kv_b_proj", rank, heads * (still + value)), still: still, turned: turned)
    var scale = 1 / Float(size).squareRoot()
    if case .yarn(let yarn) = rotary.scaling, let share = yarn.mscaleAllDimensions, share != 0 {
      scale *= Float(yarn.magnitude(share) * yarn.magnitude(share))
    }
    return AttentionConfiguration(
      heads: heads, keyValueHeads: heads, headDimension: size, valueDimension: value, projections: .latent(latent),
      output: LinearConfiguration(
        "self_attn.o_proj", inputs: heads * value, outputs: width, hasBias: hasBias),
      scale: scale, rotary: rotary)
  }

  /// The members of `config.json` that say the shape with latent attention.
  static func members(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let attention = configuration.blocks[0].attention
    guard case .latent(let latent) = attention.projections else { return [] }
    var shape = DecoderShape(configuration)
    shape.headDimension = latent.turned
    return shape.members() + [
      ("attention_bias", JSON(attention.output.hasBias)), ("kv_lora_rank", JSON(latent.rank)),
      ("q_lora_rank", latent.queryDown.map { JSON($0.outputs) } ?? .null), ("qk_nope_head_dim", JSON(latent.still)),
      ("qk_rope_head_dim", JSON(latent.turned)), ("v_head_dim", JSON(attention.valueDimension)),
    ]
  }
}

/// Experts as DeepSeek's families say them: dense blocks first, then many experts with one that all share.
struct DeepseekExperts {
  let experts: ExpertReader
  let dense: Int
  let sharedCount: Int

  init(_ reader: inout ConfigurationReader, dense fallback: Int = 0) {
    experts = ExpertReader(&reader, countKeys: ["n_routed_experts"])
    dense = reader.whole("first_k_dense_replace", default: fallback)
    sharedCount = experts.sharedCount(&reader, "n_shared_experts", default: 0)
  }

  /// Nil for a dense block.
  ///
  /// - Parameter isSparse: Whether the block has experts, where the family says it otherwise than by the first ones.
  func configuration(
    _ shape: DecoderShape, layer: Int, rule: RoutingRule, isSparse: Bool? = nil, hasBias: Bool = false
  ) -> ExpertsConfiguration? {
    guard isSparse ?? (layer >= dense) else { return nil }
    var configuration = experts.configuration(shape, rule: rule)
    if sharedCount > 0 {
      configuration.share("mlp.shared_experts", size: sharedCount * experts.size, hasBias: hasBias)
    }
    return configuration
  }

  static func members(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let experts = configuration.experts
    let size = experts?.size ?? 1
    return [
      ("first_k_dense_replace", JSON(configuration.blocks.firstIndex { $0.experts != nil } ?? 0)),
      ("moe_intermediate_size", JSON(size)), ("n_routed_experts", JSON(experts?.count ?? 1)),
      ("n_shared_experts", JSON((experts?.shared?.size ?? 0) / size)),
      ("num_experts_per_tok", JSON(experts?.rule.chosen ?? 1)),
    ]
  }
}
