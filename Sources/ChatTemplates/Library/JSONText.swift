/// Python's `json.dumps` of a value.
struct JSONText {
  var ensuresASCII = false
  /// The text of one level of indentation; nil for one line.
  var indent: Text?
  var itemSeparator: Text = ", "
  var keySeparator: Text = ": "
  var sortsKeys = false
  private(set) var result = Text()

  /// Appends `value`.
  ///
  /// - Throws: ``Fault`` for what JSON cannot hold.
  mutating func append(_ value: Value, depth: Int = 0) throws {
    if depth > Limits.nesting { throw Fault(.limit, "The value is nested deeper than \(Limits.nesting) levels") }
    try Interpreter.check(result)
    try Budget.charge(value.breadth * Limits.slowWork)
    switch value {
    case .none: result.append("null")
    case .bool(let value): result.append(value ? "true" : "false")
    case .int(let value): result.append(Text(String(value)))
    case .wideInt(let digits): result.append(Text(digits))
    case .float(let value): result.append(Text(Self.number(value)))
    case .string(let text): result.append(quoted(text))
    case .list(let values), .tuple(let values):
      try appendAll(values.count, "[", "]", depth) { json, index in try json.append(values[index], depth: depth + 1) }
    case .dictionary(let dictionary):
      var entries = dictionary.entries
      if sortsKeys { entries = try entries.stablySorted { try Value.less($0.key, $1.key) } }
      try appendAll(entries.count, "{", "}", depth) { json, index in
        json.result.append(json.quoted(try Self.key(entries[index].key)))
        json.result.append(json.keySeparator)
        try json.append(entries[index].value, depth: depth + 1)
      }
    default: throw Fault("A `\(value.typeName)` cannot be written as JSON")
    }
  }

  private mutating func appendAll(
    _ count: Int, _ open: Text, _ close: Text, _ depth: Int, _ element: (inout JSONText, Int) throws -> Void
  ) throws {
    result.append(open)
    for index in 0..<count {
      if index > 0 { result.append(itemSeparator) }
      try appendLineStart(depth + 1)
      try element(&self, index)
    }
    if count > 0 { try appendLineStart(depth) }
    result.append(close)
  }

  private mutating func appendLineStart(_ depth: Int) throws {
    guard let indent else { return }
    try Budget.charge(indent.breadth * depth)
    try Interpreter.check(result.count + indent.count * depth)
    result.append("\n")
    for _ in 0..<depth { result.append(indent) }
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return Value.python(value)
  }

  private static func key(_ value: Value) throws -> Text {
    switch value {
    case .string(let text): return text
    case .none: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return Text(String(value))
    case .wideInt(let digits): return Text(digits)
    case .float(let value): return Text(number(value))
    default: throw Fault("The keys of JSON objects cannot be a `\(value.typeName)`")
    }
  }

  private func quoted(_ text: Text) -> Text {
    var result: [Unicode.Scalar] = ["\""]
    func unit(_ value: UInt16) {
      let digits = String(value, radix: 16)
      result.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
    }
    for scalar in text.scalars {
      switch scalar {
      case "\"": result += ["\\", "\""]
      case "\\": result += ["\\", "\\"]
      case "\n": result += ["\\", "n"]
      case "\r": result += ["\\", "r"]
      case "\t": result += ["\\", "t"]
      case "\u{0C}": result += ["\\", "f"]
      case "\u{08}": result += ["\\", "b"]
      default:
        if scalar.value < 0x20 || (ensuresASCII && !scalar.isASCII) {
          for code in String(scalar).utf16 { unit(code) }
        } else {
          result.append(scalar)
        }
      }
    }
    return text.changed(to: result + ["\""]).marked(false)
  }
}

extension Array {
  /// The elements in the order of `precedes`, equal ones in the order they had.
  ///
  /// - Throws: ``Fault`` when the budget is spent.
  func stablySorted(by precedes: (Element, Element) throws -> Bool) throws -> [Element] {
    try enumerated().sorted { a, b in
      try Budget.charge(Limits.slowWork)
      if try precedes(a.element, b.element) { return true }
      if try precedes(b.element, a.element) { return false }
      return a.offset < b.offset
    }.map(\.element)
  }
}
