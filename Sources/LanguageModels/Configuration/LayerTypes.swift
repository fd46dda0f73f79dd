import PreciseJSON

extension ConfigurationReader {
  /// Which blocks see a window: what `layer_types` says, else the family's own rule.
  ///
  /// - Parameters:
  ///   - layers: How many blocks.
  ///   - isWindowed: The family's rule.
  mutating func windowedLayers(_ layers: Int, _ isWindowed: (Int) -> Bool) -> [Bool] {
    let kinds = ["full_attention", "sliding_attention"]
    guard let types = list("layer_types") else { return (0..<layers).map(isWindowed) }
    if let other = types.first(where: { !kinds.contains($0.string ?? "") }) {
      report(.unsupported(key: "layer_types", found: other.string ?? other.kind, supported: kinds))
    } else if types.count != layers {
      report(.inconsistent("`layer_types` names \(types.count) blocks of \(layers)"))
    }
    return (0..<layers).map { types.indices.contains($0) && types[$0].string == kinds[1] }
  }

  /// The window of each block: `sliding_window` where ``windowedLayers(_:_:)`` says so.
  ///
  /// - Parameter isWindowed: The family's rule where `layer_types` is missing.
  mutating func windows(_ layers: Int, default fallback: Int? = nil, _ isWindowed: (Int) -> Bool) -> [Int?] {
    let isNone = isNull("sliding_window") || lookup("sliding_window") == nil && fallback == nil
    let window = isNone ? nil : positive("sliding_window", default: fallback)
    return windowedLayers(layers, isWindowed).map { $0 ? window : nil }
  }

  /// The window of all blocks, for families whose blocks are all alike: `layer_types` may only say the same.
  mutating func oneWindow() -> Int? {
    let window = lookup("sliding_window") == nil ? nil : positive("sliding_window")
    let kind = window == nil ? "full_attention" : "sliding_attention"
    if let other = list("layer_types")?.first(where: { $0.string != kind }) {
      report(.unsupported(key: "layer_types", found: other.string ?? other.kind, supported: [kind]))
    }
    return window
  }
}

extension ModelConfiguration {
  /// The member of `config.json` that says the window of all blocks.
  var oneWindowMember: (key: String, value: JSON) {
    ("sliding_window", blocks[0].attention.window.map { JSON($0) } ?? .null)
  }

  /// The members of `config.json` that say which blocks see a window, and how long it is.
  var windowMembers: [(key: String, value: JSON)] {
    let windows = blocks.map(\.attention.window)
    guard let window = windows.lazy.compactMap({ $0 }).first else { return [("sliding_window", .null)] }
    return [
      ("layer_types", .array(windows.map { $0 == nil ? "full_attention" : "sliding_attention" })),
      ("sliding_window", JSON(window)),
    ]
  }
}

extension JSON {
  /// The shortest text that reads back as the same 32-bit number.
  init(float number: Float) { self = .number(JSONNumber(text: "\(number)")) }
}
