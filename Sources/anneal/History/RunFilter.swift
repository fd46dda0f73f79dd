import Diagnostics
import Foundation
import Pipeline

/// A condition on runs: `rate>=1e-4`, `quality.loss<2.5`, `base=models/small`.
struct RunFilter {
  private enum Comparison: String, CaseIterable {
    // Those of two signs first, so that none is taken for the one it begins with.
    case atMost = "<="
    case atLeast = ">="
    case differs = "!="
    case less = "<"
    case more = ">"
    case equals = "="
  }

  let name: String
  private let comparison: Comparison
  private let value: String

  /// - Throws: What is wrong with a text that is no condition.
  init(_ text: String) throws {
    let found = Comparison.allCases.compactMap { comparison in
      text.firstRange(of: comparison.rawValue).map { (comparison, $0) }
    }
    // The first sign in the text, and of those that begin there the longest.
    guard
      let (comparison, range) = found.min(by: { one, other in
        one.1.lowerBound == other.1.lowerBound
          ? one.0.rawValue.count > other.0.rawValue.count : one.1.lowerBound < other.1.lowerBound
      }), range.lowerBound > text.startIndex, range.upperBound < text.endIndex
    else {
      throw Diagnostic(
        code: "bad-condition", "`\(text)` is no condition",
        reason: "a condition is a param or a number, a sign of [=, !=, <, <=, >, >=] and a value",
        advice: "`--where 'quality.loss<2.5'`")
    }
    name = text[..<range.lowerBound].trimmingCharacters(in: .whitespaces)
    self.comparison = comparison
    value = text[range.upperBound...].trimmingCharacters(in: .whitespaces)
    if ![.equals, .differs].contains(comparison), Double(value) == nil {
      throw Diagnostic(
        code: "bad-condition", "`\(value)` in `\(text)` is not a number",
        reason: "`\(comparison.rawValue)` compares numbers")
    }
  }

  /// Whether a run fits; one that has no such param or number does not.
  func fits(_ run: RunColumns) -> Bool {
    guard let found = run[name] else { return false }
    if let number = found.number, let wanted = Double(value) {
      switch comparison {
      case .equals: return number == wanted
      case .differs: return number != wanted
      case .less: return number < wanted
      case .atMost: return number <= wanted
      case .more: return number > wanted
      case .atLeast: return number >= wanted
      }
    }
    switch comparison {
    case .equals: return found.text == value
    case .differs: return found.text != value
    case .less, .atMost, .more, .atLeast: return false
    }
  }
}
