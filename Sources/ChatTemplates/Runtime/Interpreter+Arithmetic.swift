import Foundation

extension Interpreter {
  /// - Throws: ``Fault`` when a value a template makes would be too large.
  static func check(_ size: Int) throws {
    guard size <= Limits.size else { throw Fault(.limit, "The value is larger than \(Limits.size) elements") }
  }

  /// - Throws: ``Fault`` when a text, with its notes, would be too large.
  static func check(_ text: Text) throws { try check(max(text.count, text.spans.count * Limits.noteSize)) }

  func signed(_ operand: Expression, isNegative: Bool, _ position: Int) throws -> Value {
    let value = try evaluate(operand)
    at(position)
    switch value {
    case .undefined(let undefined): throw Fault(undefined.words)
    case .float(let number): return .float(isNegative ? -number : number)
    case .wideInt(let digits):
      return .wideInt(isNegative ? digits.hasPrefix("-") ? String(digits.dropFirst()) : "-" + digits : digits)
    default:
      guard let number = value.index else { throw Fault("A `\(value.typeName)` has no sign") }
      return .int(isNegative ? try Self.exact(0.subtractingReportingOverflow(number)) : number)
    }
  }

  func arithmetic(_ sign: String, _ left: Expression, _ right: Expression, _ position: Int) throws -> Value {
    let a = try evaluate(left)
    let b = try evaluate(right)
    at(position)
    return try Self.arithmetic(sign, a, b)
  }

  /// Python's `a sign b`.
  static func arithmetic(_ sign: String, _ a: Value, _ b: Value) throws -> Value {
    if case .undefined(let undefined) = a { throw Fault(undefined.words) }
    if sign == "%", case .string(let format) = a { return .string(try PercentFormat.apply(format, b)) }
    if case .undefined(let undefined) = b { throw Fault(undefined.words) }
    if let a = a.index, let b = b.index { return try whole(sign, a, b) }
    if case .wideInt = a, b.number != nil { throw wide }
    if case .wideInt = b, a.number != nil { throw wide }
    if let a = a.number, let b = b.number { return try real(sign, a, b) }
    switch (sign, a, b) {
    case ("+", .string(let a), .string(let b)):
      let isMarkup = a.isMarkup || b.isMarkup
      try Budget.charge((a.breadth + b.breadth) * (isMarkup ? Limits.slowWork : 1))
      try check(a.count + b.count)
      let sum = isMarkup ? (a.escaped + b.escaped).marked(true) : a + b
      try check(sum)
      return .string(sum)
    case ("+", .list(let a), .list(let b)):
      try Budget.charge(a.count + b.count)
      try check(a.count + b.count)
      return .list(a + b)
    case ("+", .tuple(let a), .tuple(let b)):
      try Budget.charge(a.count + b.count)
      try check(a.count + b.count)
      return .tuple(a + b)
    case ("*", .string(let text), let times), ("*", let times, .string(let text)):
      guard let times = times.index else { break }
      let size = text.count.multipliedReportingOverflow(by: max(times, 0))
      try check(size)
      try Budget.charge(size.partialValue)
      return .string(text.repeated(max(times, 0)))
    case ("*", .list(let values), let times), ("*", let times, .list(let values)):
      guard let times = times.index else { break }
      return .list(try repeated(values, times))
    case ("*", .tuple(let values), let times), ("*", let times, .tuple(let values)):
      guard let times = times.index else { break }
      return .tuple(try repeated(values, times))
    default: break
    }
    throw Fault("`\(sign)` is not supported between `\(a.typeName)` and `\(b.typeName)`")
  }

  private static let wide = Fault(.unsupported, "Whole numbers beyond 64 bits cannot be calculated with")

  private static func check(_ size: (partialValue: Int, overflow: Bool)) throws {
    try check(size.overflow ? .max : size.partialValue)
  }

  private static func repeated(_ values: [Value], _ times: Int) throws -> [Value] {
    let size = values.count.multipliedReportingOverflow(by: max(times, 0))
    try check(size)
    try Budget.charge(size.partialValue)
    guard size.partialValue > 0 else { return [] }
    var result: [Value] = []
    result.reserveCapacity(size.partialValue)
    for _ in 0..<times { result.append(contentsOf: values) }
    return result
  }

  private static func exact(_ result: (partialValue: Int, overflow: Bool)) throws -> Int {
    if result.overflow { throw wide }
    return result.partialValue
  }

  private static func whole(_ sign: String, _ a: Int, _ b: Int) throws -> Value {
    switch sign {
    case "+": return .int(try exact(a.addingReportingOverflow(b)))
    case "-": return .int(try exact(a.subtractingReportingOverflow(b)))
    case "*": return .int(try exact(a.multipliedReportingOverflow(by: b)))
    case "**": return b < 0 ? try real(sign, Double(a), Double(b)) : .int(try power(a, b))
    case "/":
      return try real(sign, Double(a), Double(b))
    default:
      guard b != 0 else { throw Fault("Division by zero") }
      // Python rounds quotients towards minus infinity; the remainder has the sign of the divisor.
      let quotient = try exact(a.dividedReportingOverflow(by: b))
      let remainder = a - quotient * b
      let isOff = remainder != 0 && (remainder < 0) != (b < 0)
      return .int(sign == "//" ? (isOff ? quotient - 1 : quotient) : (isOff ? remainder + b : remainder))
    }
  }

  private static func power(_ base: Int, _ exponent: Int) throws -> Int {
    if base == 0 || base == 1 { return exponent == 0 ? 1 : base }
    if base == -1 { return exponent % 2 == 0 ? 1 : -1 }
    guard exponent < 64 else { throw wide }
    var result = 1
    for _ in 0..<exponent { result = try exact(result.multipliedReportingOverflow(by: base)) }
    return result
  }

  private static func real(_ sign: String, _ a: Double, _ b: Double) throws -> Value {
    switch sign {
    case "+": return .float(a + b)
    case "-": return .float(a - b)
    case "*": return .float(a * b)
    case "**":
      if a == 0, b < 0 { throw Fault("Zero cannot be raised to a negative power") }
      if a < 0, b != b.rounded(), b.isFinite { throw Fault(.unsupported, "Complex numbers are not supported") }
      let result = pow(a, b)
      if result.isInfinite, a.isFinite, b.isFinite { throw Fault("The result of `**` is too large") }
      return .float(result)
    default:
      guard b != 0 else { throw Fault("Division by zero") }
      if sign == "/" { return .float(a / b) }
      // CPython's float_divmod.
      var remainder = fmod(a, b)
      var quotient = (a - remainder) / b
      if remainder != 0 {
        if (b < 0) != (remainder < 0) {
          remainder += b
          quotient -= 1
        }
      } else {
        remainder = b < 0 ? -0.0 : 0.0
      }
      if sign == "%" { return .float(remainder) }
      if quotient == 0 { return .float((a / b) < 0 || (a / b).sign == .minus ? -0.0 : 0.0) }
      var floored = quotient.rounded(.down)
      if quotient - floored > 0.5 { floored += 1 }
      return .float(floored)
    }
  }
}

extension Value {
  /// Python's `<`, `<=`, `>` and `>=`.
  static func ordered(_ a: Value, _ operation: String, _ b: Value) throws -> Bool {
    // Not a negation of `less`: a NaN is in no order at all.
    if let x = a.number, let y = b.number, a.index == nil || b.index == nil {
      switch operation {
      case "<": return x < y
      case "<=": return x <= y
      case ">": return x > y
      default: return x >= y
      }
    }
    switch operation {
    case "<": return try less(a, b, operation: operation)
    case "<=": return try !less(b, a, operation: operation)
    case ">": return try less(b, a, operation: operation)
    default: return try !less(a, b, operation: operation)
    }
  }
}
