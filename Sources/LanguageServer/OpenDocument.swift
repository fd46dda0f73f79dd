import Diagnostics
import Pipeline

/// A pipeline file as an editor has it, saved or not.
///
/// The protocol counts lines and UTF-16 units from 0; places of diagnostics count lines and scalars from 1.
struct OpenDocument {
  struct Position: Equatable {
    var line: Int
    /// In UTF-16 units.
    var character: Int
  }

  let path: String
  let lines: [String]
  /// The text as YAML, or the newest text of it that was YAML; nil where none was.
  private(set) var tree: LocatedValue?

  init(path: String, text: String, before: OpenDocument? = nil) {
    self.path = path
    lines = text.split(separator: /\r\n|\n|\r/, omittingEmptySubsequences: false).map(String.init)
    tree = (try? YAMLText(bytes: Array(text.utf8), file: path))?.tree ?? before?.tree
  }

  /// The position of a place in this file.
  func position(_ place: Place) -> Position {
    let line = max(0, (place.line ?? 1) - 1)
    guard lines.indices.contains(line) else { return Position(line: max(0, lines.count - 1), character: 0) }
    let scalars = lines[line].unicodeScalars.prefix(max(0, (place.column ?? 1) - 1))
    return Position(line: line, character: scalars.reduce(0) { $0 + ($1.value > 0xFFFF ? 2 : 1) })
  }

  /// The text of a line before a position.
  func text(before position: Position) -> String {
    guard lines.indices.contains(position.line) else { return "" }
    return String(decoding: Array(lines[position.line].utf16.prefix(position.character)), as: UTF16.self)
  }

  /// The letters of names and references, around and at a position.
  func word(at position: Position) -> (text: String, start: Position)? {
    guard lines.indices.contains(position.line) else { return nil }
    let units = Array(lines[position.line].utf16)
    var start = min(position.character, units.count)
    var end = start
    while start > 0, Self.isOfName(units[start - 1]) { start -= 1 }
    while end < units.count, Self.isOfName(units[end]) { end += 1 }
    guard start < end else { return nil }
    return (String(decoding: units[start..<end], as: UTF16.self), Position(line: position.line, character: start))
  }

  private static func isOfName(_ unit: UInt16) -> Bool {
    switch unit {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E: true
    default: false
    }
  }

  /// The pairs of a top-level map, such as `nodes`.
  func pairs(_ area: String) -> [LocatedValue.Pair] { tree?[area]?.pairs ?? [] }

  func node(_ name: String) -> LocatedValue.Pair? { pairs("nodes").first { $0.key.text == name } }

  /// The nodes of a group.
  func nodes(of group: String) -> [LocatedValue.Pair] {
    pairs("groups").first { $0.key.text == group }?.value["nodes"]?.pairs ?? []
  }

  func node(in group: String, _ name: String) -> LocatedValue.Pair? {
    nodes(of: group).first { $0.key.text == name }
  }

  func param(_ name: String) -> LocatedValue.Pair? { pairs("params").first { $0.key.text == name } }
}
