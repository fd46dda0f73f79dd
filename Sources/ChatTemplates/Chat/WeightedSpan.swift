/// A stretch of a message's content, which is a string, and what it counts when it is learned.
package struct WeightedSpan: Sendable, Hashable {
  /// In Unicode scalars of the content.
  package var range: Range<Int>
  /// 0 or more.
  package var weight: Double

  package init(_ range: Range<Int>, weight: Double) {
    self.range = range
    self.weight = weight
  }
}
