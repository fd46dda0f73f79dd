import Diagnostics

/// A name with a number in it, such as that of a model family: `qwen3_moe` is `qwen`, 3 and `moe`.
///
/// Another number, or other words after it, is another family and no slip of the hand: `qwen4` is not `qwen3`, nor is
/// `gemma3n` `gemma3`. A digit that stands twice is one.
struct NumberedName {
  private let head: String
  private let digits: [Unicode.Scalar]
  private let tail: String

  /// Nil for a name without a digit.
  init?(_ name: String) {
    let scalars = name.lowercased().unicodeScalars.filter { $0 != "_" && $0 != "-" && $0 != "." }
    guard let last = scalars.lastIndex(where: Self.isDigit) else { return nil }
    let start = scalars[...last]
    head = Self.text(start.filter { !Self.isDigit($0) })
    tail = Self.text(scalars[scalars.index(after: last)...])
    digits = start.filter(Self.isDigit).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// The name among `candidates` that this one was most likely meant to be.
  func nearest(among candidates: [String]) -> String? {
    let near = candidates.compactMap { name -> (name: String, head: String)? in
      guard let other = NumberedName(name), other.digits == digits, other.tail == tail else { return nil }
      return (name, other.head)
    }
    let found = near.contains { $0.head == head } ? head : nearestName(to: head, among: near.map(\.head))
    return near.first { $0.head == found }?.name
  }

  /// The word that a name begins with: `qwen` of `qwen3_moe`.
  static func stem(_ name: String) -> String {
    text(name.lowercased().unicodeScalars.prefix { $0 != "_" && $0 != "-" && $0 != "." && !isDigit($0) })
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  private static func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var text = ""
    text.unicodeScalars.append(contentsOf: scalars)
    return text
  }
}
