/// Carries `${name}` through libyaml, which takes the brace for the start of a map inside `{…}` and `[…]`.
///
/// The braces become two scalars that no text may hold, of the same width in columns, and braces again afterwards.
enum ParamMarker {
  static let open: Unicode.Scalar = "\u{10FFFE}"
  static let close: Unicode.Scalar = "\u{10FFFF}"

  static func marked(_ bytes: [UInt8]) -> [UInt8] {
    var marked: [UInt8] = []
    marked.reserveCapacity(bytes.count)
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "$"), at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "{") {
        var end = at + 2
        while end < bytes.count, isNameByte(bytes[end]) { end += 1 }
        if end > at + 2, end < bytes.count, bytes[end] == UInt8(ascii: "}") {
          marked.append(bytes[at])
          marked += Array(String(open).utf8)
          marked += bytes[(at + 2)..<end]
          marked += Array(String(close).utf8)
          at = end + 1
          continue
        }
      }
      marked.append(bytes[at])
      at += 1
    }
    return marked
  }

  static func unmarked(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { scalars.append(scalar == open ? "{" : scalar == close ? "}" : scalar) }
    return String(scalars)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: false
    }
  }
}
