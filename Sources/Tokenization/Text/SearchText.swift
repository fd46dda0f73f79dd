import PreciseJSON

/// What a component looks for: a plain string or a regular expression.
enum SearchText: Sendable {
  case literal([UInt8])
  case pattern(Pattern)

  static let names = ["String", "Regex"]

  /// Reads `{"String": …}` or `{"Regex": …}`.
  init(_ reader: ComponentReader) throws {
    if let literal = reader.member("String") {
      self = .literal(Array(try literal.string().utf8))
    } else if let expression = reader.member("Regex") {
      let source = try expression.string()
      do { self = .pattern(try Pattern(source, at: (expression.file, expression.path))) } catch let refusal
        as Pattern.Refusal
      {
        throw expression.error(.invalidPattern(source, reason: refusal.reason))
      }
    } else if let other = reader.value.object?.keys.first {
      throw reader.error(.unknownName(kind: "kind of pattern", name: other, known: Self.names))
    } else {
      throw reader.error(.wrongType(expected: "an object with `String` or `Regex`", found: reader.value.kind))
    }
  }

  var json: JSON {
    switch self {
    case .literal(let bytes): ["String": .string(String(decoding: bytes, as: UTF8.self))]
    case .pattern(let pattern): ["Regex": .string(pattern.source)]
    }
  }

  /// The first match that starts in `start...`; a literal never matches empty.
  @inline(__always)
  func match(_ text: UnsafeBufferPointer<UInt8>, from start: Int, _ matcher: PatternMatcher) -> Range<Int>? {
    switch self {
    case .pattern(let pattern): return pattern.match(text, from: start, matcher)
    case .literal(let bytes):
      guard let first = bytes.first, bytes.count <= text.count else { return nil }
      var index = start
      while index + bytes.count <= text.count {
        if text[index] == first, text[index..<(index + bytes.count)].elementsEqual(bytes) {
          return index..<(index + bytes.count)
        }
        index += 1
      }
      return nil
    }
  }

  /// Calls `body` with every match, left to right, as Rust's and Oniguruma's `find_iter` step: an empty match right
  /// after the last match is passed over.
  @inline(__always)
  func forEachMatch(
    in text: UnsafeBufferPointer<UInt8>, _ matcher: PatternMatcher, _ body: (Range<Int>) -> Void
  ) {
    var from = 0
    var lastEnd = -1
    while from <= text.count, let match = match(text, from: from, matcher) {
      if match.isEmpty, match.upperBound == lastEnd {
        guard from < text.count else { return }
        from += UTF8Text.scalar(at: from, in: text).length
        continue
      }
      body(match)
      from = match.upperBound
      lastEnd = match.upperBound
    }
  }

  /// The text with every match replaced, or nil when there is none.
  func replacing(
    in text: UnsafeBufferPointer<UInt8>, with content: [UInt8], _ matcher: PatternMatcher
  ) -> [UInt8]? {
    var out: [UInt8]?
    var copied = 0
    forEachMatch(in: text, matcher) { match in
      var result = out ?? []
      out = nil
      result.append(contentsOf: text[copied..<match.lowerBound])
      result.append(contentsOf: content)
      copied = match.upperBound
      out = result
    }
    out?.append(contentsOf: text[copied...])
    return out
  }
}
