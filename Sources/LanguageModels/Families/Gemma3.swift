import PreciseJSON

/// Gemma 3 (arXiv:2503.19786), text alone: Gemma 2 with norms of queries and keys in place of capped scores, and rotary
/// positions of their own in blocks with a window.
package enum Gemma3: ModelFamily {
  package static let name = "gemma3"
  package static let models = "Gemma 3 270M and 1B, the language models of the larger ones"
  package static let modelTypes = ["gemma3_text"]
  package static let modelClass = "Gemma3ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(
    architecture: "gemma3",
    names: Gemma2.ggufNames.merging(["self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"]) { $1 },
    normOffset: 1)

  private static var defaults: DecoderDefaults {
    var defaults = Gemma2.defaults
    defaults.rotary.base = 1_000_000
    defaults.rotary.hasKinds = true
    return defaults
  }

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    var local = RotaryDefaults(base: 10_000)
    local.baseKey = "rope_local_base_freq"
    let near = RotaryConfiguration(
      &reader, "rope_parameters.sliding_attention", reader.lookup("rope_parameters")?["sliding_attention"],
      headDimension: shape.headDimension, local)
    let pattern = reader.positive(
      "sliding_window_pattern", default: reader.positive("_sliding_window_pattern", default: 6))
    let windows = reader.windows(shape.layerCount, default: 4096) { ($0 + 1) % pattern != 0 }
    let scale = 1 / Float(reader.positiveReal("query_pre_attn_scalar", default: 256)).squareRoot()
    let biases = reader.flag("attention_bias", default: false) ? DecoderShape.attentionMaps : []
    // transformers computes no caps of scores, whatever the file says.
    reader.require("attn_logit_softcapping", .null)
    let logits = Gemma2.cap(&reader, "final_logit_softcapping", default: nil)
    var configuration = configuration(shape, near: near, windows: windows, biases: biases) { block in
      block.attention.scale = scale
    }
    configuration.head.softCap = logits
    return configuration
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    var shape = DecoderShape(configuration)
    let attentions = configuration.blocks.map(\.attention)
    shape.rotary = attentions.first { $0.window == nil }?.rotary ?? shape.rotary
    let near = attentions.first { $0.window != nil }?.rotary
    return shape.members(defaults) + Gemma2.members(configuration) + [
      ("rope_local_base_freq", JSON(near?.base ?? 10_000))
    ]
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    let window =
      reader.values.lookup(reader.key("attention.sliding_window")) == nil
      ? nil : reader.positive("attention.sliding_window")
    let pattern = reader.positive("attention.sliding_window_pattern", default: 6)
    let near = RotaryConfiguration(
      base: reader.positiveReal("rope.freq_base_swa", default: 10_000), dimension: shape.headDimension)
    let windows = (0..<shape.layerCount).map { ($0 + 1) % pattern == 0 ? nil : window }
    let cap = reader.values.lookup(reader.key("final_logit_softcapping")).map { _ in
      Float(reader.positiveReal("final_logit_softcapping"))
    }
    var configuration = configuration(shape, near: near, windows: windows) { block in
      // The model of 27 billion parameters does not divide by the root of its heads' size.
      if shape.layerCount == 62 {
        block.attention.scale = 1 / (Float(shape.hiddenSize) / Float(shape.queryHeads)).squareRoot()
      }
    }
    configuration.head.softCap = cap
    return configuration
  }

  private static func configuration(
    _ shape: DecoderShape, near: RotaryConfiguration, windows: [Int?], biases: Set<DecoderShape.Map> = [],
    change: (inout BlockConfiguration) -> Void
  ) -> ModelConfiguration {
    Gemma2.configuration(shape, Gemma3.self, biases: biases) { block, layer in
      block.attention.window = windows[layer]
      if windows[layer] != nil { block.attention.rotary = near }
      for (path, name) in [(\AttentionConfiguration.queryNorm, "q_norm"), (\.keyNorm, "k_norm")] {
        block.attention[keyPath: path] = HeadNormConfiguration(
          .rms("self_attn.\(name)", epsilon: shape.normEpsilon, weightOffset: 1))
      }
      change(&block)
    }
  }
}
