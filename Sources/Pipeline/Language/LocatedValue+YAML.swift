extension LocatedValue {
  /// The value as YAML in one line, read again as what it is.
  package var inlineYAML: String {
    switch content {
    case .scalar(let scalar): scalar.yaml
    case .list(let items): "[\(items.map(\.inlineYAML).joined(separator: ", "))]"
    case .map(let pairs):
      "{\(pairs.map { "\(Self.key($0.key.text)): \($0.value.inlineYAML)" }.joined(separator: ", "))}"
    }
  }

  /// The value as a YAML text, its maps a key a line down to `depth`, and what is deeper in one line each.
  package func yaml(depth: Int, indent: String = "") -> String {
    let lines = pairs.map { pair -> String in
      let key = indent + Self.key(pair.key.text) + ":"
      guard depth > 1, !pair.value.pairs.isEmpty else { return "\(key) \(pair.value.inlineYAML)\n" }
      return key + "\n" + pair.value.yaml(depth: depth - 1, indent: indent + "  ")
    }
    return lines.joined()
  }

  private static func key(_ text: String) -> String { Scalar(text: text, isPlain: true).yaml }
}

extension LocatedValue.Scalar {
  /// The scalar in YAML: in quotes where it had some, or where it would be read as something else without.
  package var yaml: String {
    if isPlain {
      if ["", "~", "null", "Null", "NULL"].contains(text) { return "null" }
      let isSimple =
        text.unicodeScalars.allSatisfy { scalar in
          scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_-./+ ".unicodeScalars.contains(scalar)
        } && !text.hasPrefix("-") && !text.hasPrefix(" ") && !text.hasSuffix(" ")
      if isSimple || text.hasPrefix("-") && Double(text) != nil { return text }
    }
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\t": "\\t"
      case "\r": "\\r"
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}", "\u{2029}", "\u{feff}":
        "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count)
          + String(scalar.value, radix: 16)
      default: String(scalar)
      }
    }
    return "\"\(escaped.joined())\""
  }
}
