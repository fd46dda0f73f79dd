/// For each character of a text the literal of the template that it came from.
struct Provenance {
  private var places: [(literal: Int, offset: Int)?]

  init(_ text: Text) {
    places = Array(repeating: nil, count: text.count)
    for span in text.spans {
      guard case .literal(let literal) = span.source, let offset = span.offset else { continue }
      for index in span.start..<span.end { places[index] = (literal, offset + index - span.start) }
    }
  }

  func literal(at index: Int) -> Int? { places[index]?.literal }

  /// Whether both characters came from the same place of the template, or neither from a literal.
  func agrees(at index: Int, with other: Provenance, at otherIndex: Int) -> Bool {
    switch (places[index], other.places[otherIndex]) {
    case (nil, nil): true
    case (let a?, let b?): a == b
    default: false
    }
  }
}
