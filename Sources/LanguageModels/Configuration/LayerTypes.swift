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

  /// The window of each block: `sliding_window` where ``windowedLayers(_:_:)`` says so, which must then be there.
  ///
  /// - Parameter isWindowed: The family's rule where `layer_types` is missing.
  mutating func windows(_ layers: Int, default fallback: Int? = nil, _ isWindowed: (Int) -> Bool) -> [Int?] {
    let isWindowed = windowedLayers(layers, isWindowed)
    guard isWindowed.contains(true) else {
      _ = lookup("sliding_window")
      return [Int?](repeating: nil, count: layers)
    }
    let window = positive("sliding_window", default: isNull("sliding_window") ? nil : fallback)
    return isWindowed.map { $0 ? window : nil }
  }

  /// The windows of families that switch them on with `use_sliding_window`; otherwise no block may be said to have one.
  ///
  /// - Parameter isWindowed: The family's rule where `layer_types` is missing.
  mutating func switchedWindows(_ layers: Int, default fallback: Int? = nil, _ isWindowed: (Int) -> Bool) -> [Int?] {
    if flag("use_sliding_window", default: false) { return windows(layers, default: fallback, isWindowed) }
    _ = lookup("sliding_window")
    if windowedLayers(layers, { _ in false }).contains(true) {
      report(.inconsistent("`layer_types` names blocks with a window, and `use_sliding_window` is not set"))
    }
    return [Int?](repeating: nil, count: layers)
  }

  /// Whether there is a window: null says that there is none.
  ///
  /// - Parameter fallback: Whether the family has one where the key is missing.
  func hasWindow(default fallback: Bool) -> Bool {
    lookup("sliding_window") != nil || fallback && !isNull("sliding_window")
  }

  /// The window of all blocks, for families whose blocks are all alike: `layer_types` may only say the same.
  mutating func oneWindow(default fallback: Int? = nil) -> Int? {
    let hasWindow = hasWindow(default: fallback != nil)
    let window = hasWindow ? positive("sliding_window", default: fallback) : nil
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

  /// The same for families that have windows where the file does not say which blocks see one.
  var namedWindowMembers: [(key: String, value: JSON)] {
    blocks.contains { $0.attention.window != nil }
      ? windowMembers : windowMembers + [("layer_types", .array(blocks.map { _ in "full_attention" }))]
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
