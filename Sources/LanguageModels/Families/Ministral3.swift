import PreciseJSON

/// Ministral 3 (Mistral AI, 2025): Mistral with positions scaled by YaRN and queries that grow beyond the original length.
package enum Ministral3: ModelFamily {
  package static let name = "ministral3"
  package static let models = "Ministral 3 3B to 14B (the language models), Devstral 2"
  package static let modelTypes = ["ministral3"]
  package static let modelClass = "Ministral3ForCausalLM"

  private static let rate = "llama_4_scaling_beta"
  private static let length = "original_max_position_embeddings"
  private static let defaults = DecoderDefaults(
    rotary: RotaryDefaults(ownKeys: [rate, "max_position_embeddings"]), epsilon: 1e-5, keyValueHeads: 8,
    headDimension: 128)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    var shape = DecoderShape(&reader, defaults)
    let window = reader.oneWindow()
    reader.require("attention_bias", false)
    var growth: AttentionConfiguration.QueryGrowth? = AttentionConfiguration.QueryGrowth(rate: 0.1, length: 16_384)
    if let key = ["rope_scaling", "rope_parameters"].first(where: { reader.lookup($0) != nil }) {
      growth = queryGrowth(&reader, key)
    } else {
      let yarn = Yarn(factor: 16, originalMaximumPosition: 16_384, mscale: 1, mscaleAllDimensions: 1)
      shape.rotary?.base = 1_000_000
      shape.rotary?.scaling = .yarn(yarn)
    }
    return shape.configuration(Ministral3.self) { block, _ in
      block.attention.window = window
      block.attention.queryGrowth = growth
    }
  }

  /// What the object with the rotary positions says of it.
  private static func queryGrowth(
    _ reader: inout ConfigurationReader, _ key: String
  ) -> AttentionConfiguration.QueryGrowth? {
    guard let values = reader.lookup(key), let value = values[rate], !value.isNull, value.double != 0 else {
      return nil
    }
    guard let found = value.double else {
      reader.report(.wrongKind(key: "\(key).\(rate)", wanted: "a number", found: value.kind))
      return nil
    }
    guard let positions = values[length]?.int, positions > 0 else {
      reader.report(.missing(key: "\(key).\(length)"))
      return nil
    }
    return AttentionConfiguration.QueryGrowth(rate: Float(found), length: positions)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    let attention = configuration.blocks[0].attention
    var rotary = attention.rotary?.scaling.json.object ?? JSONObject([("rope_type", "default")])
    rotary[rate] = JSON(float: attention.queryGrowth?.rate ?? 0)
    if let growth = attention.queryGrowth { rotary[length] = JSON(growth.length) }
    return DecoderShape(configuration).members(defaults).filter { $0.key != "rope_scaling" } + [
      ("rope_scaling", .object(rotary)), configuration.oneWindowMember,
    ]
  }
}
