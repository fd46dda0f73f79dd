/// Numbers as people write them in texts, compared by their digits: exact, however long.
///
/// A number is a sign, a currency, digits (in groups of three or not) and a part behind a point, of which the first two
/// and the last may be missing, or that part alone. What follows a letter, a digit, an underscore, a point or a closing
/// bracket is no beginning of one, so that `10-4` holds 10 and 4; what has two points, such as `1.2.3`, is none at all.
enum NumberText {
  private typealias Scalars = [Unicode.Scalar]

  /// The numbers in a text, as they are written.
  static func numbers(in text: String) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var found: [String] = []
    var index = 0
    while index < scalars.count {
      if let end = ends(scalars, from: index).first {
        found.append(String(String.UnicodeScalarView(scalars[index..<end])))
        index = end
      } else {
        index += 1
      }
    }
    return found
  }

  /// A number without what says nothing: no currency, no separators, no zeros at its ends, no sign of zero.
  ///
  /// - Returns: Nil for a text that is no number but for white space and full stops behind it.
  static func normalForm(of text: String) -> String? {
    var trimmed = text.trimmed
    while trimmed.hasSuffix(".") { trimmed.removeLast() }
    let scalars = Array(trimmed.trimmed.unicodeScalars)
    guard ends(scalars, from: 0).contains(scalars.count) else { return nil }
    let isNegative = scalars.first == "-"
    let digits = scalars.filter { $0 == "." || isDigit($0) }
    let point = digits.firstIndex(of: ".") ?? digits.endIndex
    let whole = digits[..<point].drop { $0 == "0" }
    var part = digits[point...].dropFirst()
    while part.last == "0" { part.removeLast() }
    var form = whole.isEmpty ? "0" : String(String.UnicodeScalarView(whole))
    if !part.isEmpty { form += "." + String(String.UnicodeScalarView(part)) }
    return isNegative && form != "0" ? "-" + form : form
  }

  /// Where a number that begins at `start` may end, the likeliest first; none where none begins.
  private static func ends(_ scalars: Scalars, from start: Int) -> [Int] {
    if start > 0, isJoined(scalars[start - 1]) { return [] }
    var index = start
    if index < scalars.count, scalars[index] == "-" || scalars[index] == "+" { index += 1 }
    if index < scalars.count, ["$", "€", "£"].contains(scalars[index]) { index += 1 }
    let whole = digits(scalars, from: index)
    var ends: [Int] = []
    func add(_ end: Int) {
      let part = part(scalars, from: end)
      if let part, isEnd(scalars, part) { ends.append(part) }
      if isEnd(scalars, end) { ends.append(end) }
    }
    if whole > index {
      var groups: [Int] = []
      var end = whole
      while whole - index <= 3, end < scalars.count, scalars[end] == ",", digits(scalars, from: end + 1) >= end + 4 {
        end += 4
        if end == scalars.count || !isDigit(scalars[end]) { groups.append(end) }
      }
      for end in groups.reversed() { add(end) }
      add(whole)
    } else if let part = part(scalars, from: index), isEnd(scalars, part) {
      ends.append(part)
    }
    return ends
  }

  /// The end of a run of digits.
  private static func digits(_ scalars: Scalars, from start: Int) -> Int {
    var end = start
    while end < scalars.count, isDigit(scalars[end]) { end += 1 }
    return end
  }

  /// The end of a point with digits behind it.
  private static func part(_ scalars: Scalars, from start: Int) -> Int? {
    guard start < scalars.count, scalars[start] == "." else { return nil }
    let end = digits(scalars, from: start + 1)
    return end > start + 1 ? end : nil
  }

  /// Whether no digits go on, behind a point or not.
  private static func isEnd(_ scalars: Scalars, _ end: Int) -> Bool {
    !(end < scalars.count && isDigit(scalars[end])) && part(scalars, from: end) == nil
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  /// Whether what follows is no beginning of a number.
  private static func isJoined(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "_" || scalar == "." || scalar == ")" || scalar == "]" { return true }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber:
      return true
    default: return false
    }
  }
}

extension String {
  /// Without white space at both ends.
  var trimmed: String {
    var scalars = unicodeScalars[...]
    while scalars.first?.properties.isWhitespace == true { scalars.removeFirst() }
    while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
    return String(scalars)
  }
}
