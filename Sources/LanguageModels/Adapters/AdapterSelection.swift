import PreciseJSON

/// Which linear maps an adapter stands beside, as PEFT says it.
package struct AdapterSelection: Sendable, Hashable {
  package var targets: ModuleNames
  /// Maps that are none of them all the same.
  package var excluded: ModuleNames?
  /// The numbers of the blocks; all of them when empty.
  package var layers: [Int] = []
  /// The names of the lists whose numbers ``layers`` are, such as `layers`; any when empty.
  package var layersPattern: [String] = []

  package init(_ targets: ModuleNames) { self.targets = targets }

  /// Whether a map of a block is among them, by its whole name.
  package func contains(_ module: String) -> Bool {
    if let excluded, excluded.contains(module) { return false }
    guard targets.contains(module) else { return false }
    if case .pattern = targets { return true }
    return layers.isEmpty || layer(of: module).map(layers.contains) ?? false
  }

  /// The number of the block that a name speaks of.
  private func layer(of module: String) -> Int? {
    let parts = module.split(separator: ".").map(String.init)
    for index in parts.indices.dropFirst().reversed() where index + 1 < parts.count {
      guard let number = Int(parts[index]), index >= 2 else { continue }
      if layersPattern.isEmpty || layersPattern.contains(where: { ModuleNames.matches($0, parts[index - 1]) }) {
        return number
      }
    }
    return nil
  }

  /// - Throws: ``AdapterError`` for what names nothing.
  func validate() throws(AdapterError) {
    guard targets != .list([]) else { throw .noTargets }
    for names in [targets, excluded] {
      if case .pattern(let text) = names, !ModuleNames.isPattern(text) { throw .pattern(text) }
    }
    for text in layersPattern where !ModuleNames.isPattern(text) { throw .pattern(text) }
    if let layer = layers.first(where: { $0 < 0 }) { throw .layer(layer, blocks: nil) }
  }
}

/// Modules by their names.
package enum ModuleNames: Sendable, Hashable {
  /// Every linear map of a block.
  case allLinear
  /// Whole names, or ends of names from a dot on.
  case list(Set<String>)
  /// What a regular expression matches from the first to the last letter.
  case pattern(String)

  package func contains(_ module: String) -> Bool {
    switch self {
    case .allLinear: true
    case .list(let names): names.contains { module == $0 || module.hasSuffix("." + $0) }
    case .pattern(let text): Self.matches(text, module)
    }
  }

  /// Whether a regular expression matches all of a name.
  static func matches(_ pattern: String, _ name: String) -> Bool {
    guard let regex = try? Regex(pattern) else { return false }
    return name.wholeMatch(of: regex) != nil
  }

  /// Whether a text is a regular expression.
  package static func isPattern(_ text: String) -> Bool { (try? Regex(text)) != nil }
}

extension AdapterSelection {
  /// What `anneal inspect` tells.
  package var facts: [(key: String, value: JSON)] {
    var facts: [(key: String, value: JSON)] = [("targets", targets.json)]
    if let excluded { facts.append(("excluded", excluded.json)) }
    if !layers.isEmpty { facts.append(("layers", .array(layers.map { JSON($0) }))) }
    return facts
  }
}

extension ModuleNames {
  /// As PEFT writes it.
  package var json: JSON {
    switch self {
    case .allLinear: "all-linear"
    case .list(let names): .array(names.sorted().map { JSON($0) })
    case .pattern(let text): JSON(text)
    }
  }
}
