/// The largest |found − expected|, infinite when a value is not finite or the counts differ.
package func largestDifference(_ found: [Float], _ expected: [Float]) -> Float {
  guard found.count == expected.count else { return .infinity }
  var largest: Float = 0
  for (a, b) in zip(found, expected) {
    let difference = abs(a - b)
    guard difference.isFinite else { return .infinity }
    largest = max(largest, difference)
  }
  return largest
}

/// ‖found − expected‖ ÷ ‖expected‖ (the plain difference where nothing is expected).
package func relativeDistance(_ found: [Float], _ expected: [Float]) -> Double {
  guard found.count == expected.count else { return .infinity }
  var difference = 0.0
  var length = 0.0
  for (a, b) in zip(found, expected) {
    difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
    length += Double(b) * Double(b)
  }
  return length > 0 ? (difference / length).squareRoot() : difference.squareRoot()
}

/// |found − expected| ÷ |expected|.
package func relativeError(_ found: Double, _ expected: Double) -> Double {
  expected == 0 ? abs(found) : abs(found - expected) / abs(expected)
}
