/// The grammar of plain scalars: YAML 1.2's core schema, without its NaN and infinities.
enum CoreScalar {
  static func bool(_ scalar: LocatedValue.Scalar) -> Result<Bool, LanguageProblem> {
    let read: Bool? =
      switch scalar.text {
      case "true", "True", "TRUE": true
      case "false", "False", "FALSE": false
      default: nil
      }
    guard let read else { return .failure(.notABool(scalar.text)) }
    return scalar.isPlain ? .success(read) : .failure(.quoted(scalar.text, wanted: "`true` or `false`"))
  }

  private static let wholeNumber = "a whole number"

  /// Decimal, `0x` and `0o`; also a number with a point or exponent whose value is whole, as JSON Schema has it.
  static func integer(_ scalar: LocatedValue.Scalar) -> Result<Int, LanguageProblem> {
    let text = scalar.text
    let wanted = wholeNumber
    if let problem = commonProblem(scalar, wanted: wanted) { return .failure(problem) }
    if let based = basedInteger(text) {
      return based.map { .success($0) } ?? .failure(.numberTooLarge(text))
    }
    let bytes = Array(text.utf8)
    guard isNumber(bytes) else { return .failure(.notANumber(text, wanted: wanted)) }
    if !bytes.contains(where: { ".eE".utf8.contains($0) }) {
      return Int(text.hasPrefix("+") ? String(text.dropFirst()) : text).map { .success($0) }
        ?? .failure(.numberTooLarge(text))
    }
    guard let value = double(text), value.isFinite else { return .failure(.numberTooLarge(text)) }
    guard value == value.rounded() else { return .failure(.notWhole(text)) }
    // Beyond 2^53 the text and the double would be different numbers.
    guard abs(value) <= 9_007_199_254_740_992 else { return .failure(.numberTooLarge(text)) }
    return .success(Int(value))
  }

  static func number(_ scalar: LocatedValue.Scalar) -> Result<Double, LanguageProblem> {
    let text = scalar.text
    let wanted = "a number"
    if let problem = commonProblem(scalar, wanted: wanted) { return .failure(problem) }
    if let based = basedInteger(text) {
      return based.map { .success(Double($0)) } ?? .failure(.numberTooLarge(text))
    }
    guard isNumber(Array(text.utf8)) else { return .failure(.notANumber(text, wanted: wanted)) }
    guard let value = double(text), value.isFinite else { return .failure(.numberTooLarge(text)) }
    return .success(value)
  }

  /// Whether a plain scalar would be read as something else than text by a YAML tool that guesses types.
  static func looksTyped(_ text: String) -> Bool {
    isNumber(Array(text.utf8)) || basedInteger(text) != nil
      || ["true", "True", "TRUE", "false", "False", "FALSE"].contains(text)
  }

  private static func commonProblem(_ scalar: LocatedValue.Scalar, wanted: String) -> LanguageProblem? {
    let text = scalar.text
    let bytes = Array(text.utf8)
    let unsigned = bytes.first.map { "+-".utf8.contains($0) } == true ? Array(bytes.dropFirst()) : bytes
    let specials = [".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "nan", "NaN", "inf", "Infinity"]
    if specials.contains(String(decoding: unsigned, as: UTF8.self)) { return .notFinite(text, wanted: wanted) }
    if let problem = decimalComma(bytes, text, wanted: wanted) { return problem }
    if let problem = digitSeparators(bytes, unsigned, text) { return problem }
    if unsigned.count > 1, unsigned[0] == UInt8(ascii: "0"), isDigit(unsigned[1]), isNumber(bytes) {
      let sign = bytes.count > unsigned.count ? String(decoding: bytes.prefix(1), as: UTF8.self) : ""
      var digits = unsigned[...]
      while digits.count > 1, digits[digits.startIndex] == UInt8(ascii: "0"), isDigit(digits[digits.startIndex + 1]) {
        digits.removeFirst()
      }
      return .leadingZero(text, advice: sign + String(decoding: digits, as: UTF8.self))
    }
    if !scalar.isPlain, isNumber(bytes) || basedInteger(text) != nil { return .quoted(text, wanted: wanted) }
    return nil
  }

  /// A comma where most of Europe writes one and YAML wants a point.
  ///
  /// Three digits after it may as well be thousands, so that both readings are offered there, neither taken.
  private static func decimalComma(_ bytes: [UInt8], _ text: String, wanted: String) -> LanguageProblem? {
    let commas = bytes.indices.filter { bytes[$0] == UInt8(ascii: ",") }
    guard commas.count == 1, let comma = commas.first else { return nil }
    var point = bytes
    point[comma] = UInt8(ascii: ".")
    let digits = bytes[(comma + 1)...].prefix { isDigit($0) }.count
    guard isNumber(point), digits > 0 else { return nil }
    let decimal = String(decoding: point, as: UTF8.self)
    let whole = bytes[..<comma].drop { "+-".utf8.contains($0) }
    let isWhole = wanted == wholeNumber
    let mayBeThousands = digits == 3 && comma + 4 == bytes.count && (1...3).contains(whole.count) && whole.first != 0x30
    let thousands = String(decoding: bytes.filter { $0 != UInt8(ascii: ",") }, as: UTF8.self)
    if isWhole { return mayBeThousands ? .digitSeparators(text, advice: thousands) : nil }
    return .decimalComma(text, wanted: wanted, decimal: decimal, thousands: mayBeThousands ? thousands : nil)
  }

  /// Digits in groups, as programs and people write them; advice only where one number alone can be meant.
  private static func digitSeparators(_ bytes: [UInt8], _ unsigned: [UInt8], _ text: String) -> LanguageProblem? {
    let sign = bytes.count > unsigned.count ? String(decoding: bytes.prefix(1), as: UTF8.self) : ""
    func advice(_ separator: UInt8, decimal: UInt8) -> LanguageProblem? {
      let parts = unsigned.split(separator: decimal, maxSplits: 1, omittingEmptySubsequences: false)
      let groups = parts[0].split(separator: separator, omittingEmptySubsequences: false)
      // Underscores may stand anywhere between digits, points, commas and blanks only before three of them.
      let fits = groups.dropFirst().allSatisfy { separator == UInt8(ascii: "_") ? !$0.isEmpty : $0.count == 3 }
      guard groups.count > 1, fits, separator == UInt8(ascii: "_") || (1...3).contains(groups[0].count) else {
        return nil
      }
      let whole = Array(groups.joined())
      let number = parts.count > 1 ? whole + [UInt8(ascii: ".")] + parts[1] : whole
      guard whole.allSatisfy(isDigit), isNumber(number) else { return nil }
      return .digitSeparators(text, advice: sign + String(decoding: number, as: UTF8.self))
    }
    let (point, comma) = (UInt8(ascii: "."), UInt8(ascii: ","))
    // Points part thousands where a comma or a second one stands behind them.
    let isPointed = unsigned.contains(comma) || unsigned.filter { $0 == point }.count > 1
    return advice(UInt8(ascii: "_"), decimal: point) ?? advice(comma, decimal: point)
      ?? advice(UInt8(ascii: " "), decimal: point) ?? (isPointed ? advice(point, decimal: comma) : nil)
  }

  /// `[-+]? ( . digits | digits [. digits*] ) [ (e|E) [-+]? digits ]`.
  private static func isNumber(_ bytes: [UInt8]) -> Bool {
    var at = 0
    func digits() -> Int {
      let start = at
      while at < bytes.count, isDigit(bytes[at]) { at += 1 }
      return at - start
    }
    if at < bytes.count, "+-".utf8.contains(bytes[at]) { at += 1 }
    let whole = digits()
    var fraction = 0
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      at += 1
      fraction = digits()
    }
    guard whole + fraction > 0 else { return false }
    if at < bytes.count, "eE".utf8.contains(bytes[at]) {
      at += 1
      if at < bytes.count, "+-".utf8.contains(bytes[at]) { at += 1 }
      guard digits() > 0 else { return false }
    }
    return at == bytes.count
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Nil when the text is not `0x…` or `0o…`; the inner nil when it does not fit.
  private static func basedInteger(_ text: String) -> Int?? {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] where text.hasPrefix(prefix) {
      let digits = text.utf8.dropFirst(2)
      let valid = digits.allSatisfy { byte in
        Int(String(UnicodeScalar(byte)), radix: radix) != nil
      }
      guard !digits.isEmpty, valid else { return nil }
      return .some(Int(text.dropFirst(2), radix: radix))
    }
    return nil
  }

  /// The double nearest to a text that ``isNumber(_:)`` accepts, some of which Swift's own grammar does not.
  private static func double(_ text: String) -> Double? {
    var text = text
    if let point = text.firstIndex(of: ".") {
      let after = text.index(after: point)
      if after == text.endIndex || !text[after].isNumber { text.insert("0", at: after) }
      if point == text.startIndex || !text[text.index(before: point)].isNumber { text.insert("0", at: point) }
    }
    return Double(text)
  }
}
