/// The numbers that a field takes.
package struct NumberRange: Sendable, Hashable {
  /// An end of the range, exact for whole numbers too.
  package enum Bound: Sendable, Hashable {
    case integer(Int)
    case number(Double)

    var double: Double {
      switch self {
      case .integer(let value): Double(value)
      case .number(let value): value
      }
    }

    var text: String {
      switch self {
      case .integer(let value): String(value)
      case .number(let value): CanonicalValue.text(of: value)
      }
    }
  }

  package var lower: Bound?
  package var upper: Bound?
  package var excludesLower = false
  package var excludesUpper = false

  package init(lower: Bound? = nil, upper: Bound? = nil, excludesLower: Bool = false, excludesUpper: Bool = false) {
    self.lower = lower
    self.upper = upper
    self.excludesLower = excludesLower
    self.excludesUpper = excludesUpper
  }

  func contains(_ value: Int) -> Bool {
    switch (lower, upper) {
    case (.integer(let lower)?, _) where value < lower || (excludesLower && value == lower): return false
    case (_, .integer(let upper)?) where value > upper || (excludesUpper && value == upper): return false
    default: return contains(Double(value))
    }
  }

  func contains(_ value: Double) -> Bool {
    if let lower, value < lower.double || (excludesLower && value == lower.double) { return false }
    if let upper, value > upper.double || (excludesUpper && value == upper.double) { return false }
    return true
  }

  /// The range in words: `at least 1`, `above 0 and below 1`.
  var words: String {
    let low = lower.map { (excludesLower ? "above " : "at least ") + $0.text }
    let high = upper.map { (excludesUpper ? "below " : "at most ") + $0.text }
    return [low, high].compactMap { $0 }.joined(separator: " and ")
  }
}

/// A range as it is written in a field's declaration: `1...8`, `0...`, `0..<1`, `.above(0)`.
package protocol NumberRangeExpression {
  var numberRange: NumberRange { get }
}

/// A number that can bound a range.
package protocol NumberBound: Comparable {
  var bound: NumberRange.Bound { get }
}

extension Int: NumberBound {
  package var bound: NumberRange.Bound { .integer(self) }
}

extension Double: NumberBound {
  package var bound: NumberRange.Bound { .number(self) }
}

extension ClosedRange: NumberRangeExpression where Bound: NumberBound {
  package var numberRange: NumberRange { NumberRange(lower: lowerBound.bound, upper: upperBound.bound) }
}

extension Range: NumberRangeExpression where Bound: NumberBound {
  package var numberRange: NumberRange {
    NumberRange(lower: lowerBound.bound, upper: upperBound.bound, excludesUpper: true)
  }
}

extension PartialRangeFrom: NumberRangeExpression where Bound: NumberBound {
  package var numberRange: NumberRange { NumberRange(lower: lowerBound.bound) }
}

extension NumberRange: NumberRangeExpression {
  package var numberRange: NumberRange { self }
}

extension NumberRangeExpression where Self == NumberRange {
  /// Everything above a bound, without the bound, and up to another one, where it is given.
  package static func above(_ bound: Double, atMost upper: Double? = nil) -> NumberRange {
    NumberRange(lower: .number(bound), upper: upper.map { .number($0) }, excludesLower: true)
  }
}

extension NumberRange.Bound {
  var canonical: CanonicalValue {
    switch self {
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    }
  }
}
