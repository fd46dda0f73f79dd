import PreciseJSON

/// A field's value that is the path of a file or folder: its text is never part of a key, what stands there is.
///
/// A node cannot see the text but where it lists its sources, with a ``PathReader``: so it opens what is in its key and
/// nothing else. Values can be compared, to tell a word such as `auto` from a path.
package struct FilePath: FieldValue, Hashable {
  /// As the user wrote it.
  let text: String

  package init(_ text: String) { self.text = text }

  package static var kind: FieldKind { .path }
  package static var entersKey: Bool { false }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> FilePath? {
    guard let text = decoder.pathText(in: value) else { return nil }
    decoder.paths.append(FieldDecoder.LocatedPath(text: text, value: value, path: decoder.pathText))
    return FilePath(text)
  }

  package var canonical: CanonicalValue { .text(text) }
  package var json: JSON { JSON(text) }
  package static func read(json: JSON) throws -> FilePath { FilePath(try String.read(json: json)) }
}

/// Reads the text of paths.
///
/// Only the engine makes one, for no other module sees its initialiser, and hands it to ``NodeType/sources(_:_:)`` alone.
package struct PathReader: Sendable {
  /// The path as the user wrote it, relative to the folder that the program is started in.
  package func text(of path: FilePath) -> String { path.text }
}
