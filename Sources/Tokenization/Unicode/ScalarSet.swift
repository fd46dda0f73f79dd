/// A fixed set of scalars: a bit each below U+0100, rising ranges above.
struct ScalarSet: Sendable {
  private let low: [Bool]
  private let ranges: [UInt32]

  /// - Parameter ranges: Pairs of first and last scalar in rising order.
  init(ranges: [UInt32]) {
    var low = [Bool](repeating: false, count: 256)
    for index in stride(from: 0, to: ranges.count, by: 2) where ranges[index] < 256 {
      for value in ranges[index]...min(255, ranges[index + 1]) { low[Int(value)] = true }
    }
    self.low = low
    self.ranges = ranges
  }

  /// Cost: O(log ranges) above U+00FF.
  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 256 { return low[Int(scalar)] }
    // The number of bounds at or below the scalar is odd inside a range; its last scalar counts as inside.
    var from = 0
    var to = ranges.count / 2
    while from < to {
      let middle = (from + to) / 2
      if ranges[2 * middle + 1] < scalar { from = middle + 1 } else { to = middle }
    }
    return from < ranges.count / 2 && ranges[2 * from] <= scalar
  }

  /// Rust's `char::is_whitespace`: the Unicode property White_Space.
  static let whitespace = ScalarSet(ranges: whitespaceRanges)
  /// `\w` of Rust's regular expressions.
  static let word = ScalarSet(ranges: UnicodeTables.word)
  /// Rust's `char::is_numeric`.
  static let numeric = ScalarSet(ranges: UnicodeTables.numeric)
  /// What the pre-tokenizer `Punctuation` takes for one.
  static let punctuation = ScalarSet(ranges: UnicodeTables.punctuation)

  static let whitespaceRanges: [UInt32] = [
    0x9, 0xD, 0x20, 0x20, 0x85, 0x85, 0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x202F,
    0x205F, 0x205F, 0x3000, 0x3000,
  ]
}
