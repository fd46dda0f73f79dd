import PreciseJSON

/// A field's value that is the path of a folder to put a copy of a result into; it decides no result.
///
/// No two fields of a pipeline may name one folder, or one inside the other.
package struct PlacePath: FieldValue, Hashable {
  /// As the user wrote it.
  package let text: String

  package init(_ text: String) { self.text = text }

  package static var kind: FieldKind { .path }
  package static var entersKey: Bool { false }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> PlacePath? {
    guard let text = decoder.pathText(in: value) else { return nil }
    decoder.places.append(FieldDecoder.LocatedPath(text: text, value: value, path: decoder.pathText))
    return PlacePath(text)
  }

  package var canonical: CanonicalValue { .text(text) }
  package var json: JSON { JSON(text) }
  package static func read(json: JSON) throws -> PlacePath { PlacePath(try String.read(json: json)) }
}
