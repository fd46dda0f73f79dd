extension Value {
  /// Python's `str(value)`.
  ///
  /// Strings keep their spans.
  ///
  /// - Throws: ``Fault`` for what Python prints with a memory address.
  func text() throws -> Text {
    switch self {
    case .string(let text): return text
    case .undefined: return Text()
    default: return try representation()
    }
  }

  /// Python's `repr(value)`.
  ///
  /// - Throws: ``Fault`` for what Python prints with a memory address.
  func representation(depth: Int = 0) throws -> Text {
    if depth > Limits.nesting { throw Fault(.limit, "The value is nested deeper than \(Limits.nesting) levels") }
    try Budget.charge(breadth * Limits.slowWork)
    switch self {
    case .undefined: return "Undefined"
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .int(let value): return Text(String(value))
    case .wideInt(let digits): return Text(digits)
    case .float(let value): return Text(Self.python(value))
    case .string(let text): return text.isMarkup ? "Markup(" + text.quoted.marked(false) + ")" : text.quoted
    case .list(let values): return try Self.listed(values, "[", "]", depth)
    case .tuple(let values): return try Self.listed(values, "(", values.count == 1 ? ",)" : ")", depth)
    case .dictionary(let dictionary): return try dictionary.representation(depth: depth)
    case .range(let range):
      let step = range.step == 1 ? "" : ", \(range.step)"
      return Text("range(\(range.start), \(range.stop)\(step))")
    case .view(let view):
      return try Text(view.kind.rawValue + "(") + Self.listed(view.values, "[", "])", depth)
    case .namespace(let namespace):
      return try "<Namespace " + namespace.attributes.representation(depth: depth) + ">"
    case .loop(let loop): return Text("<LoopContext \(loop.index + 1)/\(loop.items.count)>")
    case .function(let function) where function.isMacro: return Text("<Macro '\(function.name)'>")
    case .iterator, .function: throw Fault("A `\(typeName)` has no text that is the same in every rendering")
    }
  }

  private static func listed(_ values: [Value], _ open: Text, _ close: Text, _ depth: Int) throws -> Text {
    var text = open
    for (index, value) in values.enumerated() {
      if index > 0 { text.append(", ") }
      let part = try value.representation(depth: depth + 1)
      try Budget.charge(part.breadth)
      text.append(part)
      try Interpreter.check(text)
    }
    text.append(close)
    return text
  }

  /// Python's `repr` of a float: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
  static func python(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
    let (digits, exponent) = shortestDigits(value.magnitude)
    let sign = value < 0 ? "-" : ""
    if exponent < -4 || exponent >= 16 {
      let rest = digits.count > 1 ? "." + digits.dropFirst() : ""
      let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return sign + String(digits.prefix(1)) + rest + (exponent < 0 ? "e-" : "e+") + power
    }
    if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
    if digits.count <= exponent + 1 {
      return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count) + ".0"
    }
    return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
  }

  /// The shortest digits of a positive number and the power of ten of the first one.
  private static func shortestDigits(_ value: Double) -> (digits: String, exponent: Int) {
    let parts = "\(value)".split(separator: "e")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".")
    exponent += mantissa[0].count - 1
    var digits = mantissa.joined()
    while digits.hasPrefix("0"), digits.count > 1 {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
    return (digits, exponent)
  }
}

extension ValueDictionary {
  func representation(depth: Int) throws -> Text {
    var text: Text = "{"
    for (index, entry) in entries.enumerated() {
      if index > 0 { text.append(", ") }
      text.append(try entry.key.representation(depth: depth + 1))
      text.append(": ")
      let value = try entry.value.representation(depth: depth + 1)
      try Budget.charge(value.breadth)
      text.append(value)
      try Interpreter.check(text)
    }
    text.append("}")
    return text
  }
}

extension Text {
  /// Python's `repr` of a string.
  var quoted: Text {
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var result: [Unicode.Scalar] = [quote]
    func hexadecimal(_ value: UInt32, width: Int) -> [Unicode.Scalar] {
      let digits = String(value, radix: 16)
      return Array((String(repeating: "0", count: max(0, width - digits.count)) + digits).unicodeScalars)
    }
    for scalar in scalars {
      switch scalar {
      case "\\": result += ["\\", "\\"]
      case "\n": result += ["\\", "n"]
      case "\r": result += ["\\", "r"]
      case "\t": result += ["\\", "t"]
      case quote: result += ["\\", quote]
      default:
        if scalar.isPrintable {
          result.append(scalar)
        } else if scalar.value < 0x100 {
          result += ["\\", "x"] + hexadecimal(scalar.value, width: 2)
        } else if scalar.value < 0x10000 {
          result += ["\\", "u"] + hexadecimal(scalar.value, width: 4)
        } else {
          result += ["\\", "U"] + hexadecimal(scalar.value, width: 8)
        }
      }
    }
    return changed(to: result + [quote])
  }
}
