/// Contents of PCRE2 classes that mean what Oniguruma's escapes mean.
enum CharacterClass {
  static let space = text(of: ScalarSet.whitespaceRanges)

  static let notSpace: String = {
    var gaps: [UInt32] = []
    var next: UInt32 = 0
    for index in stride(from: 0, to: ScalarSet.whitespaceRanges.count, by: 2) {
      if ScalarSet.whitespaceRanges[index] > next { gaps += [next, ScalarSet.whitespaceRanges[index] - 1] }
      next = ScalarSet.whitespaceRanges[index + 1] + 1
    }
    return text(of: gaps + [next, 0xD7FF, 0xE000, 0x10FFFF])
  }()

  /// Letters, marks, decimal digits, connectors and what else is alphabetic.
  static let word: String =
    ["L", "M", "Nd", "Pc"].compactMap(property).joined() + text(of: UnicodeTables.otherWord)

  /// Characters of the script Han that came after Unicode 14.
  private static let addedHan: [UInt32] = [0x2B739, 0x2B739, 0x2EBF0, 0x2EE5D, 0x31350, 0x323AF]

  private static let scripts: Set<String> = ["Hiragana", "Katakana", "Hangul", "Latin", "Greek", "Cyrillic", "Thai"]

  private static let longNames: [String: String] = [
    "Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S", "Separator": "Z",
    "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm",
    "Other_Letter": "Lo", "Decimal_Number": "Nd",
  ]

  /// The members of a general category, one-letter groups of them, or a script; nil for a name that is not known here.
  static func property(_ name: String) -> String? {
    if name == "Han" { return "\\p{sc:Han}" + text(of: addedHan) }
    if scripts.contains(name) { return "\\p{sc:\(name)}" }
    let short = longNames[name] ?? name
    guard known.contains(short) else { return nil }
    let added = UnicodeTables.addedSinceUnicode14.filter { $0.category.hasPrefix(short) }.flatMap(\.ranges)
    return "\\p{\(short)}" + text(of: added)
  }

  private static let known: Set<String> = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "Cf",
  ]

  private static func text(of ranges: [UInt32]) -> String {
    var out = ""
    for index in stride(from: 0, to: ranges.count, by: 2) {
      out += "\\x{\(String(ranges[index], radix: 16))}"
      if ranges[index + 1] > ranges[index] { out += "-\\x{\(String(ranges[index + 1], radix: 16))}" }
    }
    return out
  }
}
