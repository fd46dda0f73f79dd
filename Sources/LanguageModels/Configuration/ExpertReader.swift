import PreciseJSON
import Tensors

/// What families with experts say under the same keys.
struct ExpertReader {
  /// E, k and F.
  var count: Int
  var chosen: Int
  var size: Int

  init(count: Int, chosen: Int, size: Int) {
    self.count = count
    self.chosen = chosen
    self.size = size
  }

  /// - Parameters:
  ///   - countKeys: The names that the number of experts has had; the first is required where none is there.
  ///   - chosenKeys: The same of the number that a token goes to.
  ///   - sizeKey: The feed-forward size of an expert.
  init(
    _ reader: inout ConfigurationReader, countKeys: [String], chosenKeys: [String] = ["num_experts_per_tok"],
    sizeKey: String = "moe_intermediate_size"
  ) {
    count = reader.positive(reader.spelling(countKeys))
    chosen = reader.positive(reader.spelling(chosenKeys), atMost: count)
    size = reader.positive(sizeKey)
  }

  /// How many experts all tokens go to; together they are a part as wide as all of them.
  func sharedCount(_ reader: inout ConfigurationReader, _ key: String, default fallback: Int) -> Int {
    reader.whole(key, default: fallback, in: 0...ConfigurationReader.limit / size)
  }

  /// Experts under `mlp.experts` with the names of gated maps, which most families have.
  func configuration(
    _ shape: DecoderShape, router: String = "mlp.gate", rule: RoutingRule
  ) -> ExpertsConfiguration {
    ExpertsConfiguration(
      width: shape.hiddenSize, count: count, size: size, router: router,
      storage: .each(prefix: "mlp.experts", gate: "gate_proj", up: "up_proj", down: "down_proj"), rule: rule)
  }
}

extension ExpertsConfiguration {
  /// Adds a part of `size` that every token goes to.
  mutating func share(_ prefix: String, size: Int, hasBias: Bool = false) {
    func map(_ name: String, _ inputs: Int, _ outputs: Int) -> LinearConfiguration {
      LinearConfiguration("\(prefix).\(name)", inputs: inputs, outputs: outputs, hasBias: hasBias)
    }
    shared = FeedForwardConfiguration(
      .gated(gate: map("gate_proj", width, size), up: map("up_proj", width, size), .silu),
      down: map("down_proj", size, width))
  }
}

extension ModelConfiguration {
  /// The experts of the first block that has some.
  var experts: ExpertsConfiguration? { blocks.lazy.compactMap(\.experts).first }

  /// The blocks without experts.
  var denseLayers: [Int] { blocks.indices.filter { blocks[$0].experts == nil } }
}
