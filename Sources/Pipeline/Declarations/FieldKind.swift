/// How a field's text is read: what its declared type amounts to for the reader, the JSON Schema and the reference page.
package indirect enum FieldKind: Sendable {
  case bool
  case integer(NumberRange?)
  case number(NumberRange?)
  case text
  /// A text of a form: in words, and as a regular expression for editors.
  case formed(words: String, pattern: String)
  /// The path of a file or folder.
  case path
  case choice([String])
  /// A time such as `90` (seconds), `15m`, `2h`.
  case duration
  /// An amount of memory such as `512MB`, `8GB`.
  case byteCount
  case list(FieldKind)
  case group([FieldDescription])
  /// Values of one kind under names that the user chooses, of whatever letters.
  case map(FieldKind)
  /// Values of one kind under names such as nodes have.
  case named(FieldKind)

  /// The kind with a range put on its numbers.
  func ranged(_ range: NumberRange?) -> FieldKind {
    guard let range else { return self }
    switch self {
    case .integer: return .integer(range)
    case .number: return .number(range)
    case .list(let element): return .list(element.ranged(range))
    default: return self
    }
  }

  /// The fields of the maps that a value is made of, and how one names them behind the value's name; nil for others.
  package var members: (fields: [FieldDescription], prefix: String)? {
    switch self {
    case .group(let fields): (fields, ".")
    case .list(.group(let fields)): (fields, "[].")
    default: nil
    }
  }

  /// What the reader wants to see, for messages.
  var wanted: String {
    switch self {
    case .bool: "`true` or `false`"
    case .integer: "a whole number"
    case .number: "a number"
    case .text: "text"
    case .formed(let words, _): words
    case .path: "a path"
    case .choice(let names): "one of [\(names.map { "`\($0)`" }.joined(separator: ", "))]"
    case .duration: "a time"
    case .byteCount: "an amount of memory"
    case .list: "a list"
    case .group, .map, .named: "a map"
    }
  }

  /// What a value may look like, in examples of maps.
  var example: String {
    switch self {
    case .text, .formed: "TEXT"
    case .choice(let names): names.first ?? "NAME"
    case .path: "FILE"
    default: "VALUE"
    }
  }

  /// The type in words, for the reference page.
  package var words: String {
    switch self {
    case .bool: "`true` or `false`"
    case .integer(let range): "whole number" + Self.suffix(range)
    case .number(let range): "number" + Self.suffix(range)
    case .text: "text"
    case .formed(let words, _): words
    case .path: "path"
    case .choice(let names): "one of " + names.map { "`\($0)`" }.joined(separator: ", ")
    case .duration: "time (`90`, `15m`, `2h`)"
    case .byteCount: "memory (`512MB`, `8GB`)"
    case .list(.group): "list of maps"
    case .list(let element): "list of: " + element.words
    case .group: "map"
    case .map(let element), .named(let element): "map of: " + element.words
    }
  }

  private static func suffix(_ range: NumberRange?) -> String { range.map { ", \($0.words)" } ?? "" }
}

/// A field's declaration without its types: everything that messages, schemas and pages need.
package struct FieldDescription: Sendable {
  package var name: String
  package var kind: FieldKind
  package var doc: String
  package var unit: String?
  package var role: FieldRole
  package var isRequired: Bool
  /// Whether `null` (or an empty value) is a value of the field: nothing.
  package var takesNull: Bool
  /// What holds when the field is left out, as a person would write it; nil when that is nothing.
  package var defaultValue: CanonicalValue?
  /// When it has an effect; always where there is none.
  package var condition: FieldCondition?

  /// How many other fields decide whether it has an effect.
  package var depth: Int { condition?.terms.count ?? 0 }
}
