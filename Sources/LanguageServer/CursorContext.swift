import Pipeline

/// Where a cursor stands in a pipeline file, told from the text before it alone: half a line is no YAML yet.
package struct CursorContext: Equatable {
  /// The keys around the cursor, such as `nodes`, `sft`, `schedule`; in a value also its own key.
  package internal(set) var path: [String] = []
  /// Whether a value is being written, not a key.
  package private(set) var isValue = false
  /// The keys that stand before the cursor in the same map.
  package private(set) var siblings: [String: String] = [:]

  private struct Level {
    var key: String
    var indent: Int
  }

  /// A map or list in braces or brackets that is open.
  private struct Flow {
    var isMap: Bool
    /// The key whose value comes.
    var key: String?
    var members: [String: String] = [:]
  }

  /// - Parameters:
  ///   - lines: All lines of the file.
  ///   - prefix: The cursor's line up to it.
  package init(_ lines: [String], line: Int, prefix: String) {
    var first = min(line, max(0, lines.count - 1))
    while first > 0, lines[first].first.map({ $0 == " " || $0 == "#" || $0 == "}" || $0 == "]" }) ?? true { first -= 1 }
    var blocks: [Level] = []
    var flows: [Flow] = []
    var blockKey: String?
    var members: [Int: [String: String]] = [:]
    for index in first...max(first, line) where index < lines.count || index == line {
      let text = index == line ? prefix : lines[index]
      var rest = Substring(text)
      if flows.isEmpty {
        let indent = text.prefix { $0 == " " }.count
        let body = text.dropFirst(indent)
        if index != line, body.isEmpty || body.hasPrefix("#") { continue }
        while let last = blocks.last, last.indent >= indent { blocks.removeLast() }
        for deeper in members.keys where deeper > indent { members[deeper] = nil }
        blockKey = nil
        rest = body
        if let (key, value) = Self.pair(body) {
          blocks.append(Level(key: key, indent: indent))
          blockKey = key
          members[indent, default: [:]][key] = value.trimmed
          rest = value
        } else if index == line {
          path = blocks.map(\.key)
          siblings = members[indent] ?? [:]
          isValue = body.hasPrefix("- ")
          if isValue { rest = body.dropFirst(2) } else { return }
        }
      }
      Self.scan(rest, &flows)
    }
    path = blocks.map(\.key)
    isValue = blockKey != nil || isValue
    for flow in flows {
      if let key = flow.key { path.append(key) }
      isValue = !flow.isMap || flow.key != nil
      if flow.isMap { siblings = flow.members }
    }
    // The key of the map that the last key stands in is on the path already.
    if flows.isEmpty, let last = blocks.last { siblings = members[last.indent] ?? [:] }
  }

  /// `key: value`, where a text begins so.
  private static func pair(_ text: Substring) -> (key: String, value: Substring)? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let key = text[..<colon]
    let value = text[text.index(after: colon)...]
    guard !key.isEmpty, key.allSatisfy({ $0.isLetter || $0.isNumber || "_-.@".contains($0) }),
      value.isEmpty || value.first == " "
    else { return nil }
    return (String(key), value)
  }

  /// Follows braces and brackets, and the keys in them.
  private static func scan(_ text: Substring, _ flows: inout [Flow]) {
    var token = ""
    var quote: Character?
    var isInMarker = false
    var previous: Character = " "
    func end() {
      guard let last = flows.indices.last else { return }
      if flows[last].isMap, let key = flows[last].key { flows[last].members[key] = token[...].trimmed }
      token = ""
    }
    for letter in text {
      defer { previous = letter }
      if let open = quote {
        if letter == open { quote = nil } else { token.append(letter) }
        continue
      }
      switch letter {
      case "\"" where token[...].trimmed.isEmpty, "'" where token[...].trimmed.isEmpty: quote = letter
      case "#" where previous == " ": return
      case "{" where previous == "$", "}" where isInMarker:
        isInMarker = letter == "{"
        token.append(letter)
      case "{":
        flows.append(Flow(isMap: true))
        token = ""
      case "[":
        flows.append(Flow(isMap: false))
        token = ""
      case "}", "]":
        end()
        if !flows.isEmpty { flows.removeLast() }
      case ",":
        end()
        if let last = flows.indices.last, flows[last].isMap { flows[last].key = nil }
      case ":" where !flows.isEmpty && flows[flows.count - 1].isMap && flows[flows.count - 1].key == nil:
        flows[flows.count - 1].key = token[...].trimmed
        token = ""
      default: token.append(letter)
      }
    }
  }
}

extension Substring {
  fileprivate var trimmed: String {
    let start = drop { $0 == " " }
    return String(String(start.reversed()).drop { $0 == " " }.reversed())
  }
}
