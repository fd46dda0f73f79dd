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
  package func text(_ layout: JSONLayout = .compact) -> String { String(decoding: bytes(layout), as: UTF8.self) }

  /// The value as the UTF-8 of its text.
  ///
  /// Cost: a copy of every string's runs without escapes.
  package func bytes(_ layout: JSONLayout = .compact) -> [UInt8] {
    var writer = JSONWriter(layout)
    writer.write(self, level: 0)
    return writer.out
  }
}

/// Lays out one value.
private struct JSONWriter {
  private(set) var out: [UInt8] = []
  private let indent: Int?
  private let itemSeparator: [UInt8]
  private let keySeparator: [UInt8]
  private let sortedKeys: Bool
  private let escapesNonASCII: Bool

  init(_ layout: JSONLayout) {
    indent = layout.indent
    // Before a line end no space follows the comma.
    itemSeparator = Array((layout.indent == nil ? layout.itemSeparator : ",").utf8)
    keySeparator = Array(layout.keySeparator.utf8)
    sortedKeys = layout.sortedKeys
    escapesNonASCII = layout.escapesNonASCII
  }

  mutating func write(_ value: JSON, level: Int) {
    switch value {
    case .null: out.append(contentsOf: "null".utf8)
    case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let value): out.append(contentsOf: value.text.utf8)
    case .string(let value): write(value)
    case .array(let elements):
      out.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        startItem(index, level)
        write(element, level: level + 1)
      }
      endItems(elements.count, level)
      out.append(UInt8(ascii: "]"))
    case .object(let object):
      let members =
        sortedKeys ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : object.members
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        startItem(index, level)
        write(member.key)
        out.append(contentsOf: keySeparator)
        write(member.value, level: level + 1)
      }
      endItems(members.count, level)
      out.append(UInt8(ascii: "}"))
    }
  }

  private mutating func startItem(_ index: Int, _ level: Int) {
    if index > 0 { out.append(contentsOf: itemSeparator) }
    if indent != nil { startLine(level + 1) }
  }

  private mutating func endItems(_ count: Int, _ level: Int) {
    if indent != nil, count > 0 { startLine(level) }
  }

  private mutating func startLine(_ level: Int) {
    out.append(0x0A)
    out.append(contentsOf: repeatElement(0x20, count: (indent ?? 0) * level))
  }

  private mutating func write(_ string: String) {
    out.append(UInt8(ascii: "\""))
    var string = string
    string.withUTF8 { write($0) }
    out.append(UInt8(ascii: "\""))
  }

  private mutating func write(_ text: UnsafeBufferPointer<UInt8>) {
    let last: UInt8 = escapesNonASCII ? 0x7E : 0xFF
    var index = 0
    while index < text.count {
      let start = index
      while index < text.count, text[index] >= 0x20, text[index] <= last, text[index] != UInt8(ascii: "\""),
        text[index] != UInt8(ascii: "\\")
      { index += 1 }
      out.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
      if index < text.count { index += writeEscape(text, at: index) }
    }
  }

  /// Writes the scalar at `index` as an escape; gives the number of its bytes.
  private mutating func writeEscape(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    switch text[index] {
    case UInt8(ascii: "\""): out.append(contentsOf: "\\\"".utf8)
    case UInt8(ascii: "\\"): out.append(contentsOf: "\\\\".utf8)
    case 0x0A: out.append(contentsOf: "\\n".utf8)
    case 0x0D: out.append(contentsOf: "\\r".utf8)
    case 0x09: out.append(contentsOf: "\\t".utf8)
    case 0x08: out.append(contentsOf: "\\b".utf8)
    case 0x0C: out.append(contentsOf: "\\f".utf8)
    case let first:
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      for unit in String(decoding: UnsafeBufferPointer(rebasing: text[index..<(index + length)]), as: UTF8.self).utf16 {
        let digits = String(unit, radix: 16)
        out.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
      }
      return length
    }
    return 1
  }
}
