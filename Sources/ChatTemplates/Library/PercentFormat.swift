/// Python's `format % values`.
enum PercentFormat {
  static func apply(_ format: Text, _ values: Value) throws -> Text {
    guard !format.isMarkup else {
      throw Fault(.unsupported, "Formatting by a text marked by `safe` or `escape` is not supported")
    }
    var positional: [Value]
    if case .tuple(let parts) = values { positional = parts } else { positional = [values] }
    var used = 0
    var usesNames = false
    var result = Text()
    var index = 0
    func take() throws -> Value {
      guard used < positional.count else { throw Fault("There are not enough values for the format") }
      used += 1
      return positional[used - 1]
    }
    while index < format.count {
      try Budget.charge(format.spans.count)
      let start = index
      while index < format.count, format.scalars[index] != "%" { index += 1 }
      result.append(format[start..<index])
      guard index < format.count else { break }
      index += 1
      func peek() throws -> Unicode.Scalar {
        guard index < format.count else { throw Fault("The format ends too early") }
        return format.scalars[index]
      }
      var specification = FormatSpecification()
      var named: Value?
      if try peek() == "(" {
        guard case .dictionary(let members) = values, let close = format.firstIndex(of: ")", from: index) else {
          throw Fault("A format with names needs a mapping")
        }
        guard let value = members.value(named: format[index + 1..<close]) else {
          throw Fault("The format names `\(format[index + 1..<close].string)`, which is not given")
        }
        named = value
        usesNames = true
        index = close + 1
      }
      flags: while true {
        switch try peek() {
        case "-": specification.alignment = "<"
        case "0" where specification.alignment == nil:
          specification.fill = "0"
          specification.alignment = "="
        case "0": break
        case "+": specification.sign = "+"
        case " ": if specification.sign != "+" { specification.sign = " " }
        case "#": specification.isAlternate = true
        default: break flags
        }
        index += 1
      }
      if specification.alignment == "<" { specification.fill = " " }
      func count() throws -> Int {
        if try peek() == "*" {
          index += 1
          let value = try Optional(take()).whole(0, in: "format")
          try Interpreter.check(value)
          return value
        }
        var value = 0
        while let digit = try peek().hexadecimalDigit, digit < 10 {
          value = value * 10 + Int(digit)
          try Interpreter.check(value)
          index += 1
        }
        return value
      }
      specification.width = try count()
      if try peek() == "." {
        index += 1
        specification.precision = try max(0, count())
      }
      while ["l", "h", "L"].contains(try peek()) { index += 1 }
      let type = try peek()
      index += 1
      if type == "%" {
        result.append("%")
        continue
      }
      let value = try named ?? take()
      specification.type = type
      result.append(try laidOut(value, specification, type))
      try Interpreter.check(result)
    }
    if !usesNames, used < positional.count {
      var isMapping = false
      if case .dictionary = values { isMapping = true }
      if !isMapping { throw Fault("Not all values were used by the format") }
    }
    return result
  }

  private static func laidOut(
    _ value: Value, _ specification: FormatSpecification, _ type: Unicode.Scalar
  ) throws -> Text {
    var specification = specification
    func text(_ text: Text) throws -> Text {
      // Zero padding is for numbers.
      specification.fill = " "
      if specification.alignment == "=" || specification.alignment == nil { specification.alignment = ">" }
      return try specification.laidOut(text)
    }
    switch type {
    case "s": return try text(value.text())
    case "r", "a": return try text(value.representation())
    case "c":
      if case .string(let character) = value, character.count == 1 { return try text(character) }
      guard let code = value.index, let value = UInt32(exactly: code), let scalar = Unicode.Scalar(value) else {
        throw Fault("`%c` needs a character or its code")
      }
      return try text(Text(scalars: [scalar]))
    case "d", "i", "u":
      specification.type = "d"
      if case .float(let number) = value {
        guard let whole = try NumberText.whole(.float(number), base: 10) else {
          throw Fault("`%d` needs a finite number")
        }
        return try specification.laidOut(whole)
      }
      return try specification.laidOut(value)
    case "x", "X", "o", "e", "E", "f", "F", "g", "G": return try specification.laidOut(value)
    default: throw Fault("The format `%\(type)` is not known")
    }
  }
}
