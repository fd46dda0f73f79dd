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
    layout.names[map].map { tensorShape("blk.0.\($0).bias") != nil } ?? false
  }
}
