import Foundation

/// Conversions between numbers and text by Python's rules.
enum NumberText {
  /// Python's `int(value, base)`, or `int(float(value))`; nil when neither reads the value.
  static func whole(_ value: Value, base: Int) throws -> Value? {
    switch value {
    case .undefined(let undefined): throw Fault(undefined.words)
    case .int, .wideInt: return value
    case .bool(let value): return .int(value ? 1 : 0)
    case .float(let number): return try truncated(number)
    case .string(let text):
      guard base == 0 || (2...36).contains(base) else { throw Fault("`int` needs a base from 2 to 36") }
      let digits = cleaned(text)
      if let digits, let number = integer(digits, base: base) { return .int(number) }
      if let digits, base == 10, isDecimalInteger(digits) {
        throw Fault(.unsupported, "Whole numbers beyond 64 bits cannot be read from text")
      }
      return try real(value).flatMap { try truncated($0) }
    default: return nil
    }
  }

  private static func isDecimalInteger(_ digits: String) -> Bool {
    let bare = digits.hasPrefix("-") || digits.hasPrefix("+") ? digits.dropFirst() : digits[...]
    return !bare.isEmpty && bare.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  private static func truncated(_ number: Double) throws -> Value? {
    guard number.isFinite else { return nil }
    guard let whole = Int(exactly: number.rounded(.towardZero)) else {
      throw Fault(.unsupported, "Whole numbers beyond 64 bits cannot be calculated with")
    }
    return .int(whole)
  }

  /// The text without white space around it and without single underscores between digits; nil when the underscores
  /// are elsewhere.
  private static func cleaned(_ text: Text) -> String? {
    let stripped = text.stripped().scalars
    var result = String.UnicodeScalarView()
    for (index, scalar) in stripped.enumerated() {
      if scalar == "_" {
        guard index > 0, index + 1 < stripped.count, stripped[index - 1].hexadecimalDigit != nil,
          stripped[index + 1].hexadecimalDigit != nil
        else { return nil }
        continue
      }
      if !scalar.isASCII, scalar.isDecimal, let digit = scalar.properties.numericValue {
        result.append(Unicode.Scalar(UInt8(0x30 + Int(digit))))
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func integer(_ text: String, base: Int) -> Int? {
    var digits = text[...]
    var sign = ""
    if let first = digits.first, first == "-" || first == "+" {
      sign = String(first)
      digits = digits.dropFirst()
    }
    var base = base
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.lowercased().hasPrefix(prefix) {
      if base == radix || base == 0 {
        digits = digits.dropFirst(2)
        base = radix
      }
    }
    guard let first = digits.first, first != "-", first != "+" else { return nil }
    return Int(sign + digits, radix: base == 0 ? 10 : base)
  }

  /// Python's `float(value)`; nil when it does not read the value.
  static func real(_ value: Value) throws -> Double? {
    switch value {
    case .undefined(let undefined): throw Fault(undefined.words)
    case .string(let text):
      guard let digits = cleaned(text)?.lowercased() else { return nil }
      let bare = digits.hasPrefix("-") || digits.hasPrefix("+") ? String(digits.dropFirst()) : digits
      if ["inf", "infinity", "nan"].contains(bare) {
        return bare == "nan" ? .nan : digits.hasPrefix("-") ? -.infinity : .infinity
      }
      guard bare.utf8.allSatisfy({ "0123456789.e+-".utf8.contains($0) }), bare.utf8.first != UInt8(ascii: "e") else {
        return nil
      }
      return number(digits)
    default: return value.number
    }
  }

  private static func number(_ digits: String) -> Double? {
    // `1.` and `.5` are floats for Python; strtod reads them and tells where it stopped.
    digits.withCString { start in
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(start, &end)
      guard let end, end.pointee == 0, end != UnsafeMutablePointer(mutating: start) else { return nil }
      return value
    }
  }

  /// Jinja's `round` filter: Python's `round` (half to even on the exact value), or the ceiling or floor at a place.
  static func rounded(_ value: Value, precision: Int, method: String) throws -> Value {
    guard let number = value.number else { throw Fault("`round` needs a number, not `\(value.typeName)`") }
    switch method {
    case "common":
      if value.index != nil {
        if precision >= 0 { return .int(value.index ?? 0) }
        throw Fault(.unsupported, "`round` of whole numbers needs a precision that is not negative")
      }
      if !number.isFinite { return .float(number) }
      if precision > 22 { return .float(number) }
      if precision < 0 {
        let scale = pow(10, Double(min(-precision, 400)))
        return .float(scale.isInfinite ? 0 : (number / scale).rounded(.toNearestOrEven) * scale)
      }
      return .float(Double(String(format: "%.\(precision)f", number)) ?? number)
    case "ceil", "floor":
      let scale = pow(10, Double(precision))
      let scaled = number * scale
      guard scaled.isFinite else { throw Fault("`round` needs a finite number") }
      return .float(scaled.rounded(method == "ceil" ? .up : .down) / scale)
    default: throw Fault("`round` knows the methods [common, ceil, floor]")
    }
  }
}
