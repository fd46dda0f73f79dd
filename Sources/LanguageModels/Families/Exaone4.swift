import PreciseJSON

/// EXAONE 4 (arXiv:2507.11407): norms of what both halves of a block give and of the queries and keys of each head; in the
/// model of 32 billion parameters three blocks of four have a window, and the fourth no positions.
package enum Exaone4: ModelFamily {
  package static let name = "exaone4"
  package static let models = "EXAONE 4.0"
  package static let modelTypes = ["exaone4"]
  package static let modelClass = "Exaone4ForCausalLM"
  package static let gguf: GGUFLayout? = GGUFLayout(architecture: "exaone4", names: Olmo2.ggufNames)

  private static let defaults = DecoderDefaults(epsilon: 1e-5, keyValueHeads: 32)

  package static func read(_ reader: inout ConfigurationReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader, defaults)
    // Old files say `LLLG`: local and global blocks.
    let kinds = reader.lookup("sliding_window_pattern")?.string.map { Array($0) } ?? []
    let pattern = kinds.isEmpty ? reader.positive("sliding_window_pattern", default: 4) : kinds.count
    if let other = kinds.first(where: { !"LG".contains($0) }) {
      reader.report(.unsupported(key: "sliding_window_pattern", found: String(other), supported: ["L", "G"]))
    }
    let hasWindow = reader.hasWindow(default: true)
    let windows = reader.windows(shape.layerCount, default: 4096) {
      hasWindow && (kinds.isEmpty ? ($0 + 1) % pattern != 0 : kinds[$0 % pattern] == "L")
    }
    if !reader.isNull("sliding_window"), windows.allSatisfy({ $0 == nil }) {
      reader.report(.inconsistent("`sliding_window` is set and no block has a window: none would know positions"))
    }
    return configuration(shape, windows)
  }

  package static func write(_ configuration: ModelConfiguration) -> [(key: String, value: JSON)] {
    DecoderShape(configuration).members(defaults) + configuration.windowMembers
  }

  package static func read(gguf reader: inout GGUFReader) -> ModelConfiguration {
    let shape = DecoderShape(&reader)
    // The model of 32 billion parameters has windows in files that do not say so.
    let windows = reader.windows(shape.layerCount, default: shape.layerCount == 64 ? 4096 : nil, period: 4)
    return configuration(shape, windows)
  }

  private static func configuration(_ shape: DecoderShape, _ windows: [Int?]) -> ModelConfiguration {
    let isWindowed = windows.contains { $0 != nil }
    return shape.configuration(Exaone4.self) { block, layer in
      Olmo2.normOutputs(&block, shape)
      Qwen3.addHeadNorms(&block.attention, shape)
      block.attention.window = windows[layer]
      if isWindowed, windows[layer] == nil { block.attention.rotary = nil }
    }
  }
}
