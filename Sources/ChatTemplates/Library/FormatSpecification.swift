import Foundation

/// How one value is laid out in a formatted string: the flags that `%` and `str.format` share.
struct FormatSpecification {
  var fill: Unicode.Scalar = " "
  /// `<`, `>`, `^` or `=`; nil leaves it to the value.
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var width = 0
  var grouping: Unicode.Scalar?
  var precision: Int?
  var type: Unicode.Scalar?

  /// `text` cut to the precision and padded to the width.
  func laidOut(_ text: Text) throws -> Text {
    let cut = precision.map { text[0..<min($0, text.count)] } ?? text
    return try padded(cut, defaultAlignment: "<")
  }

  /// A number by type, sign, grouping and width.
  func laidOut(_ value: Value) throws -> Text {
    var type = type
    if type == nil || type == "n" { if case .float = value { type = "r" } else { type = "d" } }
    var digits: String
    var prefix = ""
    let isNegative: Bool
    switch type {
    case "d", "i", "u", "x", "X", "o", "b":
      if case .wideInt(let text) = value, type == "d" {
        isNegative = text.hasPrefix("-")
        digits = isNegative ? String(text.dropFirst()) : text
        break
      }
      guard let number = value.index else { throw Fault("The format needs a whole number, not `\(value.typeName)`") }
      isNegative = number < 0
      let radix = type == "x" || type == "X" ? 16 : type == "o" ? 8 : type == "b" ? 2 : 10
      digits = String(number.magnitude, radix: radix, uppercase: type == "X")
      try Budget.charge(precision ?? 0)
      if let precision, digits.count < precision {
        digits = String(repeating: "0", count: precision - digits.count) + digits
      }
      if isAlternate, radix != 10 { prefix = "0\(type.map { String($0) } ?? "")" }
    case "e", "E", "f", "F", "g", "G", "%", "r":
      guard let number = value.number else { throw Fault("The format needs a number, not `\(value.typeName)`") }
      isNegative = number.sign == .minus && !number.isNaN
      digits = try Self.real(number.magnitude, type ?? "f", precision, isAlternate)
    default: throw Fault("The format `\(type.map { String($0) } ?? "")` is not known for a `\(value.typeName)`")
    }
    if let grouping { digits = Self.grouped(digits, grouping) }
    let signText = isNegative ? "-" : sign == "+" ? "+" : sign == " " ? " " : ""
    let head = Text(signText + prefix)
    let body = Text(digits)
    if (alignment ?? ">") == "=" {
      try Budget.charge(width)
      let missing = max(0, width - head.count - body.count)
      return head + Text(scalars: Array(repeating: fill, count: missing)) + body
    }
    return try padded(head + body, defaultAlignment: ">")
  }

  private func padded(_ text: Text, defaultAlignment: Unicode.Scalar) throws -> Text {
    try Budget.charge(width + text.breadth)
    let missing = max(0, width - text.count)
    let before =
      switch alignment ?? defaultAlignment {
      case "<": 0
      case "^": missing / 2
      default: missing
      }
    return Text(scalars: Array(repeating: fill, count: before)) + text
      + Text(scalars: Array(repeating: fill, count: missing - before))
  }

  private static func real(_ number: Double, _ type: Unicode.Scalar, _ precision: Int?, _ alternate: Bool) throws
    -> String
  {
    guard (precision ?? 0) <= 400 else { throw Fault(.limit, "The precision of a format is at most 400") }
    let isUpper = type == "E" || type == "F" || type == "G"
    if !number.isFinite {
      let text = number.isNaN ? "nan" : "inf"
      return (isUpper ? text.uppercased() : text) + (type == "%" ? "%" : "")
    }
    if type == "%" { return String(format: "%.\(precision ?? 6)f%%", number * 100) }
    if type == "r" {
      guard let precision else { return Value.python(number) }
      let text = String(format: "%.\(max(1, precision))g", number)
      return text.contains(".") || text.contains("e") ? text : text + ".0"
    }
    return String(format: "%\(alternate ? "#" : "").\(precision ?? 6)\(type)", number)
  }

  private static func grouped(_ digits: String, _ separator: Unicode.Scalar) -> String {
    let end = digits.firstIndex { !$0.isNumber } ?? digits.endIndex
    let whole = Array(digits[..<end].unicodeScalars)
    var result = String.UnicodeScalarView()
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { result.append(separator) }
      result.append(digit)
    }
    return String(result) + digits[end...]
  }
}
