/// What a program writes, as lines for a log and as the last words for a display.
///
/// Of a line that was overwritten (`\r`, as bars of progress are) the last state counts. Colours and other orders to
/// terminals are left out.
struct OutputLines {
  private var unread: [UInt8] = []
  /// What was written last, whole line or not.
  private(set) var latest = ""

  /// Bytes after which a line is taken as one though it has no end.
  private static let longest = 1 << 16

  /// The lines that end in some more bytes.
  mutating func lines(in bytes: [UInt8]) -> [String] {
    unread += bytes
    var lines: [String] = []
    while let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(Self.text(unread[..<end]))
      unread.removeSubrange(...end)
    }
    if unread.count > Self.longest {
      lines.append(Self.text(unread[...]))
      unread = []
    }
    if let text = [Self.text(unread[...])].first(where: { !$0.isEmpty }) ?? lines.last(where: { !$0.isEmpty }) {
      latest = text
    }
    return lines
  }

  /// The last line, which has no end; nil when there is none.
  mutating func rest() -> String? {
    defer { unread = [] }
    return unread.isEmpty ? nil : Self.text(unread[...])
  }

  private static func text(_ line: ArraySlice<UInt8>) -> String {
    let states = line.split(separator: UInt8(ascii: "\r"))
    return plain(states.last { !plain($0).isEmpty } ?? [])
  }

  private static func plain(_ bytes: ArraySlice<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    var isOrder = false
    var scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      if isOrder {
        // `ESC [ 3 1 m`: ends with a letter, or with what is no part of such an order.
        isOrder = !("@"..."~" ~= scalar) || scalar == "["
      } else if scalar == "\u{1B}" {
        isOrder = true
      } else if scalar == "\t" || scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value) {
        text.append(scalar)
      }
    }
    return String(text)
  }
}
