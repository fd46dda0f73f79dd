import PreciseJSON

/// Reads what a GGUF file says of a model: metadata under the architecture's prefix, and which tensors there are.
package struct GGUFReader {
  var values: ConfigurationReader
  let layout: GGUFLayout
  /// The row-major shape of a tensor, by its name in the file.
  let tensorShape: (String) -> [Int]?
  /// The numbers of a tensor of rotary factors, such as `rope_freqs.weight`.
  let rotaryFactors: (String) -> [Float]?

  /// A key with the architecture's prefix.
  func key(_ name: String) -> String { "\(layout.architecture).\(name)" }

  mutating func positive(_ name: String, default fallback: Int? = nil, atMost most: Int = ConfigurationReader.limit)
    -> Int
  {
    values.positive(key(name), default: fallback, atMost: most)
  }

  mutating func positiveReal(_ name: String, default fallback: Double? = nil) -> Double {
    values.positiveReal(key(name), default: fallback)
  }

  /// The window of each block: `attention.sliding_window` but for every `period`th block, or as
  /// `attention.sliding_window_pattern` says, which is a period too or a list; none where the window is 0 or not there.
  mutating func windows(_ layers: Int, default fallback: Int? = nil, period: Int) -> [Int?] {
    let name = key("attention.sliding_window_pattern")
    let window = window(default: fallback)
    guard let list = values.lookup(name)?.array else {
      let period = values.whole(name, default: period, in: 1...ConfigurationReader.limit)
      return (1...max(1, layers)).prefix(layers).map { $0 % period != 0 ? window : nil }
    }
    let found = list.compactMap { $0.bool ?? $0.int.map { $0 != 0 } }
    if found.count != list.count {
      values.report(.wrongKind(key: name, wanted: "a list of truth values", found: "a list of other things"))
    } else if found.count != layers {
      values.report(.inconsistent("`attention.sliding_window_pattern` names \(list.count) blocks of \(layers)"))
    }
    return (0..<layers).map { found.indices.contains($0) && found[$0] ? window : nil }
  }

  /// `attention.sliding_window`; nil where it is 0 or not there.
  mutating func window(default fallback: Int? = nil) -> Int? {
    let found = values.whole(key("attention.sliding_window"), default: fallback ?? 0, in: 0...ConfigurationReader.limit)
    return found > 0 ? found : nil
  }

  mutating func flag(_ name: String, default fallback: Bool) -> Bool { values.flag(key(name), default: fallback) }

  /// Whether a block has a tensor of this name.
  func has(_ tensor: String, layer: Int = 0) -> Bool { tensorShape("blk.\(layer).\(tensor)") != nil }

  /// A number that files leave out, or give as 0, where it is none; nil then.
  mutating func realUnlessZero(_ name: String) -> Double? {
    guard let value = values.lookup(key(name)), value.double != 0 else { return nil }
    return positiveReal(name)
  }

  /// The rows of the embedding.
  var vocabularySize: Int {
    mutating get {
      let name = GGUFLayout.embedding + ".weight"
      let rows = tensorShape(name)?.first
      if rows == nil { values.report(.missing(key: name)) }
      return max(1, rows ?? 1)
    }
  }

  /// Whether the file has no head of its own.
  var tiesHead: Bool { tensorShape(GGUFLayout.head + ".weight") == nil }

  /// Whether the first block has a bias for a linear map, by the map's name in the block.
  func hasBias(_ map: String) -> Bool {
    layout.names[map].map { has("\($0).bias") } ?? false
  }
}
