/// How JSON is laid out as text.
package struct JSONLayout: Sendable {
  /// Spaces an indentation level takes; nil writes everything on one line.
  package var indent: Int?
  package var itemSeparator: String
  package var keySeparator: String
  package var sortedKeys: Bool
  /// Whether scalars above U+007F become `\u` escapes, as Python's `json.dumps` does unless told otherwise.
  package var escapesNonASCII: Bool

  package init(
    indent: Int? = nil, itemSeparator: String = ",", keySeparator: String = ":", sortedKeys: Bool = false,
    escapesNonASCII: Bool = false
  ) {
    self.indent = indent
    self.itemSeparator = itemSeparator
    self.keySeparator = keySeparator
    self.sortedKeys = sortedKeys
    self.escapesNonASCII = escapesNonASCII
  }

  /// No white space at all.
  package static let compact = JSONLayout()
  /// Two spaces a level, a space after colons.
  package static let pretty = JSONLayout(indent: 2, keySeparator: ": ")
  /// As Python's `json.dumps(value, ensure_ascii=False)`: a space after commas and colons.
  package static let python = JSONLayout(itemSeparator: ", ", keySeparator: ": ")
}

extension JSON {
  /// The value as text.
  package func text(_ layout: JSONLayout = .compact) -> String {
    var out = ""
    write(to: &out, layout, level: 0)
    return out
  }

  private func write(to out: inout String, _ layout: JSONLayout, level: Int) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .number(let value): out += value.text
    case .string(let value): Self.write(value, to: &out, layout)
    case .array(let elements):
      Self.writeList(elements.count, "[", "]", to: &out, layout, level: level) { index, out in
        elements[index].write(to: &out, layout, level: level + 1)
      }
    case .object(let object):
      let members =
        layout.sortedKeys
        ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : object.members
      Self.writeList(members.count, "{", "}", to: &out, layout, level: level) { index, out in
        Self.write(members[index].key, to: &out, layout)
        out += layout.keySeparator
        members[index].value.write(to: &out, layout, level: level + 1)
      }
    }
  }

  private static func writeList(
    _ count: Int, _ open: String, _ close: String, to out: inout String, _ layout: JSONLayout, level: Int,
    item: (Int, inout String) -> Void
  ) {
    out += open
    for index in 0..<count {
      if index > 0 { out += layout.indent == nil ? layout.itemSeparator : "," }
      if let indent = layout.indent { out += "\n" + String(repeating: " ", count: indent * (level + 1)) }
      item(index, &out)
    }
    if let indent = layout.indent, count > 0 { out += "\n" + String(repeating: " ", count: indent * level) }
    out += close
  }

  private static func write(_ string: String, to out: inout String, _ layout: JSONLayout) {
    out += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{08}": out += "\\b"
      case "\u{0C}": out += "\\f"
      case _ where scalar.value < 0x20 || (layout.escapesNonASCII && scalar.value > 0x7E):
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
