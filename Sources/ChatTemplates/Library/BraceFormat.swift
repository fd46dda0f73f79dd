/// Python's `format.format(…)`, as Jinja's sandbox runs it.
enum BraceFormat {
  static func apply(_ format: Text, _ arguments: Arguments) throws -> Text {
    var next = 0
    return try apply(format, arguments, &next, depth: 0)
  }

  private static func apply(_ format: Text, _ arguments: Arguments, _ next: inout Int, depth: Int) throws -> Text {
    guard depth < 2 else { throw Fault("Formats are nested too deep") }
    var result = Text()
    var index = 0
    while index < format.count {
      let scalar = format.scalars[index]
      try Budget.charge(format.spans.count)
      let isDoubled = index + 1 < format.count && format.scalars[index + 1] == scalar
      switch scalar {
      case "{" where isDoubled, "}" where isDoubled:
        result.append(format[index..<index + 1])
        index += 2
      case "}": throw Fault("A single `}` stands in the format")
      case "{":
        var end = index + 1
        var open = 1
        while end < format.count, open > 0 {
          if format.scalars[end] == "{" { open += 1 }
          if format.scalars[end] == "}" { open -= 1 }
          end += 1
        }
        guard open == 0 else { throw Fault("A `{` in the format has no `}`") }
        result.append(try field(format[index + 1..<end - 1], arguments, &next, depth: depth))
        try Interpreter.check(result)
        index = end
      default:
        let start = index
        while index < format.count, format.scalars[index] != "{", format.scalars[index] != "}" { index += 1 }
        result.append(format[start..<index])
      }
    }
    return result
  }

  /// The text of one field, written `name!conversion:specification`.
  private static func field(
    _ field: Text, _ arguments: Arguments, _ next: inout Int, depth: Int
  ) throws -> Text {
    let colon = field.firstIndex(of: ":") ?? field.count
    var name = field[0..<colon]
    var conversion: Unicode.Scalar?
    if name.count >= 2, name.scalars[name.count - 2] == "!" {
      conversion = name.scalars[name.count - 1]
      name = name[0..<name.count - 2]
    }
    var value = try self.value(name, arguments, &next)
    var specification = Text()
    if colon < field.count {
      specification = try apply(field[colon + 1..<field.count], arguments, &next, depth: depth + 1)
    }
    switch conversion {
    case nil: break
    case "s": value = .string(try value.text())
    case "r": value = .string(try value.representation())
    default: throw Fault(.unsupported, "The conversion `!\(conversion.map { String($0) } ?? "")` is not supported")
    }
    return try formatted(value, specification)
  }

  private static func value(_ name: Text, _ arguments: Arguments, _ next: inout Int) throws -> Value {
    var end = 0
    while end < name.count, name.scalars[end] != ".", name.scalars[end] != "[" { end += 1 }
    let head = name[0..<end].string
    var value: Value
    if head.isEmpty || head.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      let index = Int(head) ?? next
      if head.isEmpty { next += 1 }
      guard index < arguments.positional.count else { throw Fault("The format names a value that is not given") }
      value = arguments.positional[index]
    } else {
      try Budget.charge(arguments.named.count)
      guard let named = arguments.named.first(where: { $0.name == head }) else {
        throw Fault("The format names `\(head)`, which is not given")
      }
      value = named.value
    }
    while end < name.count {
      let start = end + 1
      if name.scalars[end] == "." {
        end = start
        while end < name.count, name.scalars[end] != ".", name.scalars[end] != "[" { end += 1 }
        value = try Members.attribute(name[start..<end].string, of: value)
      } else {
        guard let close = name.firstIndex(of: "]", from: start) else { throw Fault("A `[` in the format has no `]`") }
        let key = name[start..<close]
        value = try Members.item(Int(key.string).map { .int($0) } ?? .string(key), of: value)
        end = close + 1
        guard end == name.count || name.scalars[end] == "." || name.scalars[end] == "[" else {
          throw Fault("The format has text after `]`")
        }
      }
    }
    return value
  }

  /// Python's `format(value, specification)`.
  private static func formatted(_ value: Value, _ specification: Text) throws -> Text {
    if specification.isEmpty {
      let text = try value.text()
      try Budget.charge(text.breadth)
      return text
    }
    var parsed = FormatSpecification()
    var index = 0
    let scalars = specification.scalars
    func at(_ index: Int) -> Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }
    let alignments: [Unicode.Scalar?] = ["<", ">", "^", "="]
    if scalars.count > 1, alignments.contains(at(1)) {
      parsed.fill = scalars[0]
      parsed.alignment = at(1)
      index = 2
    } else if alignments.contains(at(0)) {
      parsed.alignment = at(0)
      index = 1
    }
    if let sign = at(index), ["+", "-", " "].contains(sign) {
      parsed.sign = sign
      index += 1
    }
    if at(index) == "#" {
      parsed.isAlternate = true
      index += 1
    }
    if at(index) == "0" {
      if parsed.alignment == nil {
        parsed.fill = "0"
        parsed.alignment = "="
      }
      index += 1
    }
    func count() throws -> Int? {
      var value: Int?
      while let digit = at(index)?.hexadecimalDigit, digit < 10 {
        value = (value ?? 0) * 10 + Int(digit)
        try Interpreter.check(value ?? 0)
        index += 1
      }
      return value
    }
    parsed.width = try count() ?? 0
    if at(index) == "," || at(index) == "_" {
      parsed.grouping = at(index)
      index += 1
    }
    if at(index) == "." {
      index += 1
      guard let precision = try count() else { throw Fault("The precision of the format is missing") }
      parsed.precision = precision
    }
    if index < scalars.count {
      parsed.type = scalars[index]
      index += 1
    }
    guard index == scalars.count else { throw Fault("Invalid format `\(specification.string)`") }
    switch value {
    case .string(let text):
      guard parsed.type == nil || parsed.type == "s", parsed.alignment != "=" || parsed.fill == "0" else {
        throw Fault("Invalid format `\(specification.string)` for a string")
      }
      if parsed.alignment == "=" { parsed.alignment = "<" }
      return try parsed.laidOut(text)
    case .int, .wideInt, .float, .bool: return try parsed.laidOut(value)
    default: throw Fault("A `\(value.typeName)` takes no format")
    }
  }
}
