import Tokenization

/// Why an entry does not say what the matches of an expression count.
package struct WeightRuleError: Error, Sendable, Hashable {
  package var entry: String
  package var reason: String

  package init(_ entry: String, reason: String) {
    self.entry = entry
    self.reason = reason
  }
}

extension WeightRules {
  /// Adds what the matches of an expression count: `PATTERN=NUMBER`.
  ///
  /// - Throws: ``WeightRuleError``.
  package mutating func add(_ entry: String) throws(WeightRuleError) {
    guard let last = entry.lastIndex(of: "="), let weight = Double(entry[entry.index(after: last)...]),
      weight == 0 || weight > 0 && Float(weight).isNormal
    else { throw WeightRuleError(entry, reason: "behind its last `=` there is no number from 0") }
    do {
      patterns.append((try TextPattern(String(entry[..<last])), weight))
    } catch {
      throw WeightRuleError(entry, reason: error.reason)
    }
  }
}
