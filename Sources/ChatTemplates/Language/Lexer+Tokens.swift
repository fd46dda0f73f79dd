extension Lexer {
  private static let longSigns = ["//", "**", "==", "!=", ">=", "<="]
  private static let shortSigns = "+-/*%~[](){}><=.:|,;"

  /// Reads the token that starts with `scalar` at `index`.
  mutating func token(_ scalar: Unicode.Scalar) throws -> Token.Kind {
    if scalar.value >= 0x30, scalar.value <= 0x39 { return try number() }
    if scalar.isWord { return try name() }
    if scalar == "'" || scalar == "\"" { return .string(try string(quote: scalar)) }
    for sign in Self.longSigns where Array(sign.unicodeScalars) == [scalar, at(index + 1)] {
      index += 2
      return .sign(sign)
    }
    guard Self.shortSigns.unicodeScalars.contains(scalar) else {
      throw Fault(.syntax, "unexpected character `\(scalar)`")
    }
    index += 1
    return .sign(String(scalar))
  }

  private mutating func name() throws -> Token.Kind {
    let start = index
    while let scalar = at(index), scalar.isWord { index += 1 }
    let name = Text(scalars: Array(scalars[start..<index])).string
    guard scalars[start] == "_" || scalars[start].properties.isXIDStart else {
      index = start
      throw Fault(.syntax, "`\(name)` is not a name")
    }
    return .name(name)
  }

  private mutating func string(quote: Unicode.Scalar) throws -> [Unicode.Scalar] {
    let start = index
    index += 1
    while let scalar = at(index), scalar != quote { index += scalar == "\\" ? 2 : 1 }
    guard index < scalars.count else {
      index = start
      throw Fault(.syntax, "the string that starts here has no end")
    }
    defer { index += 1 }
    return try Self.unescaped(scalars[start + 1..<index])
  }

  /// Python's `unicode-escape` decoding after `backslashreplace` encoding, which is what Jinja does with a string:
  /// a backslash before a character beyond ASCII therefore escapes the backslash of that character's own escape.
  private static func unescaped(_ source: ArraySlice<Unicode.Scalar>) throws -> [Unicode.Scalar] {
    guard source.contains("\\") else { return Array(source) }
    var result: [Unicode.Scalar] = []
    var index = source.startIndex
    func code(_ digits: Int) throws -> Unicode.Scalar {
      guard index + digits <= source.endIndex else { throw Fault(.syntax, "truncated escape in a string") }
      var value: UInt32 = 0
      for _ in 0..<digits {
        guard let digit = source[index].hexadecimalDigit else { throw Fault(.syntax, "truncated escape in a string") }
        value = value << 4 | digit
        index += 1
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw Fault(.syntax, "an escape in a string is not a Unicode scalar")
      }
      return scalar
    }
    while index < source.endIndex {
      let scalar = source[index]
      index += 1
      guard scalar == "\\", index < source.endIndex else {
        result.append(scalar)
        continue
      }
      let escaped = source[index]
      index += 1
      switch escaped {
      case "n": result.append("\n")
      case "t": result.append("\t")
      case "r": result.append("\r")
      case "a": result.append("\u{07}")
      case "b": result.append("\u{08}")
      case "f": result.append("\u{0C}")
      case "v": result.append("\u{0B}")
      case "\n": break
      case "\\", "'", "\"": result.append(escaped)
      case "x": result.append(try code(2))
      case "u": result.append(try code(4))
      case "U": result.append(try code(8))
      case "N": throw Fault(.unsupported, "Character names (`\\N{…}`) are not supported in templates")
      case "0"..."7":
        var value = escaped.value - 0x30
        var digits = 1
        while digits < 3, index < source.endIndex, ("0"..."7").contains(source[index]) {
          value = value << 3 | (source[index].value - 0x30)
          index += 1
          digits += 1
        }
        if let scalar = Unicode.Scalar(value) { result.append(scalar) }
      default:
        result.append("\\")
        if escaped.isASCII {
          result.append(escaped)
        } else {
          let hexadecimal = String(escaped.value, radix: 16)
          let (letter, width) = escaped.value < 0x100 ? ("x", 2) : escaped.value < 0x10000 ? ("u", 4) : ("U", 8)
          let zeros = String(repeating: "0", count: width - hexadecimal.count)
          result.append(contentsOf: (letter + zeros + hexadecimal).unicodeScalars)
        }
      }
    }
    return result
  }

  /// Reads a number; a digit group can hold single underscores.
  private mutating func number() throws -> Token.Kind {
    if at(index) == "0", let letter = at(index + 1), let radix = Self.radixes[letter],
      let first = at(index + 2), first == "_" || (first.hexadecimalDigit ?? 99) < UInt32(radix)
    {
      index += 2
      let text = digits { ($0.hexadecimalDigit ?? 99) < UInt32(radix) }
      guard let value = Int(text, radix: radix) else { throw Fault(.unsupported, "The number is beyond 64 bits") }
      return .integer(value)
    }
    let start = index
    var text = digits { $0.value >= 0x30 && $0.value <= 0x39 }
    // Jinja reads no float right after a dot: `a.0.1` is two integer subscripts.
    let afterDot = start > 0 && scalars[start - 1] == "."
    var isFloat = false
    if !afterDot {
      if at(index) == ".", let next = at(index + 1), next.value >= 0x30, next.value <= 0x39 {
        index += 1
        text += "." + digits { $0.value >= 0x30 && $0.value <= 0x39 }
        isFloat = true
      }
      if at(index) == "e" || at(index) == "E" {
        var cursor = index + 1
        if at(cursor) == "+" || at(cursor) == "-" { cursor += 1 }
        if let next = at(cursor), next.value >= 0x30, next.value <= 0x39 {
          text += "e" + (at(index + 1) == "-" ? "-" : "")
          index = cursor
          text += digits { $0.value >= 0x30 && $0.value <= 0x39 }
          isFloat = true
        }
      }
    }
    if isFloat { return .float(Double(text) ?? .infinity) }
    if text.utf8.first == UInt8(ascii: "0"), text.utf8.contains(where: { $0 != UInt8(ascii: "0") }) {
      // `007` is `0` and then `7`, which no expression allows.
      index = start
      throw Fault(.syntax, "a number cannot start with a zero")
    }
    return Int(text).map { .integer($0) } ?? .wideInteger(text)
  }

  private static let radixes: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]

  private mutating func digits(_ isDigit: (Unicode.Scalar) -> Bool) -> String {
    var text = ""
    while let scalar = at(index) {
      if isDigit(scalar) {
        text.unicodeScalars.append(scalar)
      } else if !(scalar == "_" && at(index + 1).map(isDigit) == true) {
        break
      }
      index += 1
    }
    return text
  }
}
