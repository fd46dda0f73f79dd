/// A Python string (a sequence of Unicode scalars) that remembers where its characters come from.
///
/// Spans are notes beside the characters: operations that keep characters (concatenation, slices, strips) keep them,
/// operations that make new characters drop them or keep them without offsets. They never influence a rendering.
struct Text: Sendable {
  var scalars: [Unicode.Scalar]
  var spans: [Span]
  /// Whether `safe` or `escape` marked the text as HTML: `+` then escapes what is added to it.
  var isMarkup = false

  /// A stretch of a text that came from one source.
  struct Span: Sendable, Hashable {
    var start: Int
    var end: Int
    var source: Source
    /// Where in the source the stretch starts; nil when the characters were changed on the way.
    var offset: Int?
  }

  /// What a stretch of text came from.
  enum Source: Sendable, Hashable {
    /// A string of a message, as an index into the table of fields of one rendering.
    case field(Int)
    /// The nth literal (data or string constant) of the template.
    case literal(Int)
    /// The nth `{% generation %}` block that was rendered; such spans lie over the others.
    case generation
  }

  init(scalars: [Unicode.Scalar] = [], spans: [Span] = []) {
    self.scalars = scalars
    self.spans = spans
  }

  init(_ string: String) { self.init(scalars: Self.scalars(of: string)) }

  /// The whole of `string`, known to come from `source`.
  ///
  /// An empty string keeps an empty span as an anchor.
  init(_ string: String, from source: Source) {
    scalars = Self.scalars(of: string)
    spans = [Span(start: 0, end: scalars.count, source: source, offset: 0)]
  }

  var count: Int { scalars.count }
  var isEmpty: Bool { scalars.isEmpty }

  var string: String {
    // Most text is ASCII, whose bytes are its scalars: much faster than appending scalar by scalar.
    String(unsafeUninitializedCapacity: scalars.reduce(0) { $0 + UTF8.width($1) }) { bytes in
      var index = 0
      for scalar in scalars {
        if scalar.value < 0x80 {
          bytes[index] = UInt8(truncatingIfNeeded: scalar.value)
          index += 1
        } else {
          for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            bytes[index] = byte
            index += 1
          }
        }
      }
      return index
    }
  }

  private static func scalars(of string: String) -> [Unicode.Scalar] {
    let utf8 = string.utf8
    guard utf8.allSatisfy({ $0 < 0x80 }) else { return Array(string.unicodeScalars) }
    return utf8.map { Unicode.Scalar($0) }
  }

  /// What it costs to copy the text: its characters and its notes.
  var breadth: Int { scalars.count + spans.count }

  /// Appends the characters and spans of `other`.
  mutating func append(_ other: Text) {
    let shift = scalars.count
    scalars.append(contentsOf: other.scalars)
    for var span in other.spans {
      span.start += shift
      span.end += shift
      // One anchor of a field at a place is enough: empty texts added a million times leave no million notes.
      if span.start == span.end, let last = spans.last, last.source == span.source, last.end == span.start { continue }
      // Neighbouring halves of one stretch become one again.
      if let last = spans.last, last.source == span.source, last.end == span.start, last.start < last.end,
        let offset = last.offset, span.offset == offset + (last.end - last.start), span.source != .generation
      {
        spans[spans.count - 1].end = span.end
      } else {
        spans.append(span)
      }
    }
  }

  static func + (a: Text, b: Text) -> Text {
    var sum = a
    sum.append(b)
    return sum
  }

  /// The characters of `range` with their spans; an empty result keeps one anchor when the text had any.
  subscript(range: Range<Int>) -> Text {
    if range == 0..<count { return self }
    return slice(range, noting: spans)
  }

  /// The characters of each of `ranges`, which ascend and do not overlap.
  ///
  /// Cost: O(count + spans), where subscripts would take O(ranges × spans).
  ///
  /// - Throws: ``Fault`` when the budget is spent.
  func slices(_ ranges: [Range<Int>]) throws -> [Text] {
    try Budget.charge(ranges.count * Limits.slowWork)
    if spans.count < 8 { return ranges.map { self[$0] } }
    let sorted = spans.sorted { $0.start < $1.start }
    var next = 0
    var open: [Span] = []
    return ranges.map { range in
      open.removeAll { $0.end < range.lowerBound }
      while next < sorted.count, sorted[next].start <= range.upperBound {
        if sorted[next].end >= range.lowerBound { open.append(sorted[next]) }
        next += 1
      }
      return slice(range, noting: open)
    }
  }

  private func slice(_ range: Range<Int>, noting candidates: [Span]) -> Text {
    var slice = Text(scalars: Array(scalars[range]))
    slice.isMarkup = isMarkup
    for span in candidates {
      let start = max(span.start, range.lowerBound)
      let end = min(span.end, range.upperBound)
      guard start < end || (start == end && span.start == span.end) else { continue }
      slice.spans.append(
        Span(
          start: start - range.lowerBound, end: end - range.lowerBound, source: span.source,
          offset: span.offset.map { $0 + start - span.start }))
    }
    if slice.spans.isEmpty, range.isEmpty, let first = spans.first(where: { $0.source.isField }) {
      slice.spans = [Span(start: 0, end: 0, source: first.source, offset: nil)]
    }
    return slice
  }

  /// `scalars` made out of this text: every field that took part covers the whole, without offsets.
  func changed(to scalars: [Unicode.Scalar]) -> Text {
    var text = Text(scalars: scalars, spans: Text.covering(spans, count: scalars.count))
    text.isMarkup = isMarkup
    return text
  }

  /// The same characters with or without the mark of HTML.
  func marked(_ isMarkup: Bool) -> Text {
    var text = self
    text.isMarkup = isMarkup
    return text
  }

  /// The text `times` in a row; its fields cover the whole, without offsets.
  func repeated(_ times: Int) -> Text {
    if times == 1 { return self }
    guard times > 0, !isEmpty else { return changed(to: []) }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count * times)
    for _ in 0..<times { result.append(contentsOf: scalars) }
    return changed(to: result)
  }

  /// The distinct fields of `spans`, each over `count` characters.
  static func covering(_ spans: [Span], count: Int) -> [Span] {
    var seen: Set<Source> = []
    var result: [Span] = []
    for span in spans where span.source.isField && seen.insert(span.source).inserted {
      result.append(Span(start: 0, end: count, source: span.source, offset: nil))
    }
    return result
  }
}

extension Text.Source {
  var isField: Bool { if case .field = self { true } else { false } }
}

extension Text: ExpressibleByStringLiteral {
  init(stringLiteral value: String) { self.init(value) }
}

extension Text: Equatable {
  /// Whether both have the same characters; where they come from does not matter.
  static func == (a: Text, b: Text) -> Bool { a.scalars == b.scalars }

  /// Python's order of strings: by code points.
  static func < (a: Text, b: Text) -> Bool { a.scalars.lexicographicallyPrecedes(b.scalars) }
}
