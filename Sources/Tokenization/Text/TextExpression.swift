import CPCRE2

/// A regular expression in PCRE2's own syntax, which is Perl's and all but Python's, with Unicode's letters and digits.
package struct TextExpression: Sendable {
  /// Why an expression is none, in the library's words.
  package struct Refusal: Error, Sendable, Hashable {
    package var reason: String
  }

  /// What a text has to do with an expression.
  package enum Verdict: Sendable, Hashable {
    case matches
    case differs
    /// Matching took more steps, memory or time than it is given.
    case givenUp
  }

  private let pattern: Pattern
  private let isWhole: Bool

  /// Compiles an expression.
  ///
  /// - Parameters:
  ///   - whole: Whether it must match the whole text, not some of it.
  ///   - dotMatchesLineFeeds: Whether the dot goes on over ends of lines.
  package init(_ source: String, whole: Bool, dotMatchesLineFeeds: Bool) throws(Refusal) {
    var options = UInt32(PCRE2_UCP)
    if whole { options |= UInt32(PCRE2_ANCHORED) | UInt32(PCRE2_ENDANCHORED) }
    if dotMatchesLineFeeds { options |= UInt32(PCRE2_DOTALL) }
    do { pattern = try Pattern(pcre2: source, options: options) } catch {
      throw Refusal(reason: (error as? Pattern.Refusal)?.reason ?? "\(error)")
    }
    isWhole = whole
  }

  /// Looks for it in a text.
  package func verdict(on text: String) -> Verdict {
    var text = text
    return text.withUTF8 { text in
      let matcher = PatternMatcher()
      guard let found = pattern.match(text, from: 0, matcher) else { return matcher.hasGivenUp ? .givenUp : .differs }
      return !isWhole || found == 0..<text.count ? .matches : .differs
    }
  }
}
