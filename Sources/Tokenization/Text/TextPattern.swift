/// A regular expression that is looked for in texts, in the syntax of `tokenizer.json` (Ruby's: `.` stays in its line).
package struct TextPattern: Sendable, Hashable {
  package let source: String
  private let pattern: Pattern

  /// Why an expression cannot be used.
  package struct Refusal: Error, Sendable, Hashable {
    package var reason: String
  }

  /// - Throws: ``Refusal`` for one that is malformed.
  package init(_ source: String) throws(Refusal) {
    self.source = source
    do {
      pattern = try Pattern(source)
    } catch {
      throw Refusal(reason: (error as? Pattern.Refusal)?.reason ?? "\(error)")
    }
  }

  /// The bytes of each match, from the first to the last; none of them is empty and none overlaps another.
  ///
  /// - Throws: ``TokenizerError`` where the expression is given up on the text.
  package func matches(in text: String) throws -> [Range<Int>] {
    var text = text
    let matcher = PatternMatcher()
    let found = text.withUTF8 { text in
      var found: [Range<Int>] = []
      var start = 0
      while start <= text.count, let match = pattern.match(text, from: start, matcher) {
        if !match.isEmpty { found.append(match) }
        // Behind an empty match the search goes on at the next character.
        start = match.isEmpty ? match.upperBound + 1 : match.upperBound
        while start < text.count, text[start] & 0xC0 == 0x80 { start += 1 }
      }
      return found
    }
    try matcher.throwIfGivenUp(file: source)
    return found
  }

  package static func == (a: TextPattern, b: TextPattern) -> Bool { a.source == b.source }
  package func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
