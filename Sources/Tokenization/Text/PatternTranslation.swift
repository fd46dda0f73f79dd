/// Rewrites an expression from Oniguruma's syntax (Ruby's, as HF `tokenizers` uses it) to PCRE2's.
///
/// What differs: the Unicode version behind `\p{…}` (characters added since are listed one by one), what `\s`, `\w`,
/// `\b` and `\h` mean, nested classes and `&&`, `{,n}`, and `(?m)`. What cannot be expressed is refused.
struct PatternTranslation {
  private let scalars: [Unicode.Scalar]
  private var index = 0

  /// The expression for PCRE2 compiled with `PCRE2_UTF` and without `PCRE2_UCP`.
  static func pcre2(_ source: String) throws(Pattern.Refusal) -> String {
    var translation = PatternTranslation(scalars: Array(source.unicodeScalars))
    return try translation.whole()
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    index + offset < scalars.count ? scalars[index + offset] : nil
  }

  private func refused(_ reason: String) -> Pattern.Refusal { Pattern.Refusal(reason: reason) }

  private mutating func whole() throws(Pattern.Refusal) -> String {
    var out = ""
    while let scalar = peek() {
      switch scalar {
      case "\\": out += try escape()
      case "[": out += try bracket()
      case "(" where peek(1) == "?": out += try groupStart()
      case "{" where peek(1) == ",":
        // Oniguruma reads `{,n}` as `{0,n}`; PCRE2 takes it for text.
        out += "{0,"
        index += 2
      default:
        out.unicodeScalars.append(scalar)
        index += 1
      }
    }
    return out
  }

  /// `(?` and what follows it, up to the group's content.
  private mutating func groupStart() throws(Pattern.Refusal) -> String {
    var flags = ""
    var look = 2
    while let scalar = peek(look), scalar == "-" || ("a"..."z").contains(scalar) {
      flags.unicodeScalars.append(scalar)
      look += 1
    }
    if !flags.isEmpty, let end = peek(look), end == ":" || end == ")" {
      guard flags.allSatisfy({ "im-".contains($0) }) else { throw refused("the option group `(?\(flags)` is not done") }
      index += look + 1
      // Ruby's `m` lets the dot match a line feed, which is PCRE2's `s`.
      return "(?" + flags.map { $0 == "m" ? "s" : String($0) }.joined() + String(end)
    }
    if peek(2) == "~" { throw refused("the absence operator `(?~` is not done") }
    index += 2
    return "(?"
  }

  /// An escape outside a class.
  private mutating func escape() throws(Pattern.Refusal) -> String {
    guard let kind = peek(1) else { throw refused("the expression ends with a backslash") }
    switch kind {
    case "s": return taking(2, "[\(CharacterClass.space)]")
    case "S": return taking(2, "[^\(CharacterClass.space)]")
    case "d": return taking(2, "[\(CharacterClass.property("Nd") ?? "")]")
    case "D": return taking(2, "[^\(CharacterClass.property("Nd") ?? "")]")
    case "w": return taking(2, "[\(CharacterClass.word)]")
    case "W": return taking(2, "[^\(CharacterClass.word)]")
    case "h": return taking(2, "[0-9a-fA-F]")
    case "H": return taking(2, "[^0-9a-fA-F]")
    case "b", "B":
      let word = "[\(CharacterClass.word)]"
      return taking(
        2,
        kind == "b"
          ? "(?:(?<=\(word))(?!\(word))|(?<!\(word))(?=\(word)))"
          : "(?:(?<=\(word))(?=\(word))|(?<!\(word))(?!\(word)))")
    case "p", "P":
      let (content, isNegated) = try property()
      return isNegated ? "[^\(content)]" : "[\(content)]"
    case "u": return try codePoint()
    case "K", "y", "Y", "O", "g", "k", "G": throw refused("the escape `\\\(kind)` is not done")
    default: return taking(2, "\\\(kind)")
    }
  }

  private mutating func taking(_ count: Int, _ text: String) -> String {
    index += count
    return text
  }

  /// `\uHHHH`.
  private mutating func codePoint() throws(Pattern.Refusal) -> String {
    let digits = scalars[min(index + 2, scalars.count)...].prefix(4)
    guard digits.count == 4, digits.allSatisfy(\.properties.isASCIIHexDigit) else {
      throw refused("`\\u` needs four hexadecimal digits")
    }
    index += 6
    return "\\x{" + String(String.UnicodeScalarView(digits)) + "}"
  }

  /// `\p{Name}`, `\P{Name}`, `\p{^Name}`: the content of a class for `Name`, and whether it is negated.
  private mutating func property() throws(Pattern.Refusal) -> (content: String, isNegated: Bool) {
    var isNegated = peek(1) == "P"
    guard peek(2) == "{", let end = scalars[index...].firstIndex(of: "}") else {
      throw refused("`\\p` needs a name in braces")
    }
    var name = scalars[(index + 3)..<end]
    if name.first == "^" {
      isNegated.toggle()
      name = name.dropFirst()
    }
    let text = String(String.UnicodeScalarView(name))
    guard let content = CharacterClass.property(text) else { throw refused("the property `\(text)` is not known") }
    index = end + 1
    return (content, isNegated)
  }

  /// A class in brackets.
  private mutating func bracket() throws(Pattern.Refusal) -> String {
    let parts = try intersection()
    if parts.operands.count == 1, let only = parts.operands.first {
      return (only.isNegated != parts.isNegated ? "[^" : "[") + only.content + "]"
    }
    let tests = parts.operands.map { "(?=[\($0.isNegated ? "^" : "")\($0.content)])" }.joined()
    return parts.isNegated ? "(?:(?!\(tests))(?s:.))" : "(?:\(tests)(?s:.))"
  }

  private struct Operand {
    var content = ""
    var isNegated = false
  }

  /// A class from its `[` to its `]`: operands of `&&`, and whether the whole is negated.
  private mutating func intersection() throws(Pattern.Refusal) -> (operands: [Operand], isNegated: Bool) {
    index += 1
    var isNegated = false
    if peek() == "^" {
      isNegated = true
      index += 1
    }
    var operands = [Operand()]
    var isFirst = true
    while let scalar = peek() {
      let last = operands.count - 1
      if operands[last].isNegated, scalar != "]", !(scalar == "&" && peek(1) == "&") {
        throw refused("a negated class beside other members of a class is not done")
      }
      switch scalar {
      case "]" where !isFirst:
        index += 1
        return (operands, isNegated)
      case "&" where peek(1) == "&":
        operands.append(Operand())
        index += 2
      case "[":
        if peek(1) == ":" { throw refused("POSIX classes such as `[:alpha:]` are not done") }
        let nested = try intersection()
        guard nested.operands.count == 1, let only = nested.operands.first else {
          throw refused("`&&` in a nested class is not done")
        }
        if only.isNegated != nested.isNegated {
          guard operands[last].content.isEmpty else {
            throw refused("a negated class beside other members of a class is not done")
          }
          operands[last] = Operand(content: only.content, isNegated: true)
        } else {
          operands[last].content += only.content
        }
      case "\\": operands[last].content += try escapeInClass()
      default:
        operands[last].content += scalar == "]" ? "\\]" : String(scalar)
        index += 1
      }
      isFirst = false
    }
    throw refused("a class lacks its closing bracket")
  }

  private mutating func escapeInClass() throws(Pattern.Refusal) -> String {
    guard let kind = peek(1) else { throw refused("the expression ends with a backslash") }
    switch kind {
    case "s": return taking(2, CharacterClass.space)
    case "S": return taking(2, CharacterClass.notSpace)
    case "d": return taking(2, CharacterClass.property("Nd") ?? "")
    case "w": return taking(2, CharacterClass.word)
    case "h": return taking(2, "0-9a-fA-F")
    case "u": return try codePoint()
    case "p", "P":
      let (content, isNegated) = try property()
      if isNegated { throw refused("a negated property inside a class is not done") }
      return content
    case "D", "W", "H", "R", "X": throw refused("the escape `\\\(kind)` inside a class is not done")
    default: return taking(2, "\\\(kind)")
    }
  }
}
