import Foundation
import PreciseJSON

/// Rows of text in columns as wide as they need.
func table(_ rows: [[String]]) -> String {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    let cells = row.enumerated().map { column, cell in
      column == row.count - 1 ? cell : cell.padding(toLength: widths[column], withPad: " ", startingAt: 0)
    }
    return cells.joined(separator: "  ")
  }.joined(separator: "\n")
}

/// A JSON value for people: texts without quotes, lists with commas.
func plain(_ value: JSON) -> String {
  value.string ?? value.array.map { $0.map(plain).joined(separator: ", ") } ?? value.text()
}

/// A text as a word of a shell command: quoted where the shell would read it otherwise.
func shellWord(_ text: String) -> String {
  let plain = text.unicodeScalars.allSatisfy {
    ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
      || "-_./:@%+=,".unicodeScalars.contains($0)
  }
  return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}
