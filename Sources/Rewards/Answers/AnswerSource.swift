/// Where in a completion its answer stands.
package enum AnswerSource: String, CaseIterable, Sendable {
  /// Behind the last marker, up to the end of its line.
  case marker
  /// In the last `\boxed{…}` whose braces close.
  case boxed
  /// Between the last `<answer>` and `</answer>`.
  case tag
  /// The last number.
  case lastNumber = "last_number"
  /// Everything.
  case whole

  /// The answer in a text; nil where there is none.
  func answer(in text: String, marker: String) -> String? {
    switch self {
    case .marker: return Self.line(behind: marker, in: text)
    case .boxed: return Self.boxed(in: text)
    case .tag: return Self.tagged(in: text)
    case .lastNumber: return NumberText.numbers(in: text).last
    case .whole: return text.trimmed
    }
  }

  static func line(behind marker: String, in text: String) -> String? {
    let bytes = Array(text.utf8)
    guard let found = bytes.lastRange(of: Array(marker.utf8)) else { return nil }
    let line = bytes[found.upperBound...].prefix { $0 != UInt8(ascii: "\n") }
    let answer = String(decoding: line, as: UTF8.self).trimmed
    return answer.isEmpty ? nil : answer
  }

  private static func boxed(in text: String) -> String? {
    let bytes = Array(text.utf8)
    let opening = Array("\\boxed{".utf8)
    var rest = bytes[...]
    while let found = rest.lastRange(of: opening) {
      var depth = 1
      for end in found.upperBound..<bytes.count {
        if bytes[end] == UInt8(ascii: "{") { depth += 1 }
        if bytes[end] == UInt8(ascii: "}") { depth -= 1 }
        if depth == 0 { return String(decoding: bytes[found.upperBound..<end], as: UTF8.self) }
      }
      rest = rest[..<(found.upperBound - 1)]
    }
    return nil
  }

  /// As a search from the left finds them: what is between a tag and the next end of one, one after the other.
  private static func tagged(in text: String) -> String? {
    let (opening, closing) = (Array("<answer>".utf8), Array("</answer>".utf8))
    var rest = Array(text.utf8)[...]
    var last: String?
    while let start = rest.firstRange(of: opening),
      let end = rest[start.upperBound...].firstRange(of: closing)
    {
      last = String(decoding: rest[start.upperBound..<end.lowerBound], as: UTF8.self).trimmed
      rest = rest[end.upperBound...]
    }
    return last
  }
}

extension BidirectionalCollection where Element == UInt8, Index == Int {
  /// The first place where `wanted` stands.
  func firstRange(of wanted: [UInt8]) -> Range<Int>? {
    guard count >= wanted.count else { return nil }
    return (startIndex...(endIndex - wanted.count)).first { self[$0...].starts(with: wanted) }
      .map { $0..<($0 + wanted.count) }
  }

  /// The last place where `wanted` stands.
  func lastRange(of wanted: [UInt8]) -> Range<Int>? {
    guard count >= wanted.count else { return nil }
    return (startIndex...(endIndex - wanted.count)).last { self[$0...].starts(with: wanted) }
      .map { $0..<($0 + wanted.count) }
  }
}
