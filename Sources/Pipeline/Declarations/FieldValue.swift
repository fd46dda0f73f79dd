import Diagnostics
import PreciseJSON

/// A type that a field can have.
package protocol FieldValue: Sendable {
  static var kind: FieldKind { get }
  /// Whether the type has a value that means nothing was given.
  static var isOptional: Bool { get }
  /// Whether values are part of keys; false for paths, whose content is.
  static var entersKey: Bool { get }

  /// Reads the value by its declared kind; reports to the decoder and gives nil when it cannot be read.
  static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self?

  /// The value in keys.
  var canonical: CanonicalValue { get }
  var isAbsent: Bool { get }
  func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry])

  /// The value for the way to a worker process and back.
  var json: JSON { get }
  static func read(json: JSON) throws -> Self
}

extension FieldValue {
  package static var isOptional: Bool { false }
  package static var entersKey: Bool { true }
  package var isAbsent: Bool { false }

  package func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry]) {
    entries.append(KeyPreimage.Entry(label, canonical))
  }
}

/// Fields that came over a pipe and cannot be read: two versions of the program are talking to each other.
package struct FieldTransportError: DiagnosticError, Hashable {
  package var wanted: String
  package var found: String

  package var diagnostics: [Diagnostic] {
    [
      Diagnostic(
        code: "bad-transport", "Field in a worker's job is not readable", reason: "\(wanted) wanted, got \(found)")
    ]
  }

  /// Reads with `value`, or says what was wanted.
  static func require<Value>(_ value: Value?, _ wanted: String, _ json: JSON) throws -> Value {
    guard let value else { throw FieldTransportError(wanted: wanted, found: json.kind) }
    return value
  }
}

extension Optional: FieldValue where Wrapped: FieldValue {
  package static var kind: FieldKind { Wrapped.kind }
  package static var isOptional: Bool { true }
  package static var entersKey: Bool { Wrapped.entersKey }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self? {
    if value.isNull { return .some(nil) }
    return Wrapped.read(value, as: kind, &decoder).map { .some($0) }
  }

  package var canonical: CanonicalValue { self?.canonical ?? .absent }
  package var isAbsent: Bool { self == nil }

  package func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry]) {
    if let self {
      self.appendKeyEntries(label, &entries)
    } else {
      entries.append(KeyPreimage.Entry(label, .absent))
    }
  }

  package var json: JSON { self?.json ?? .null }
  package static func read(json: JSON) throws -> Self { json.isNull ? .none : try Wrapped.read(json: json) }
}

extension Array: FieldValue where Element: FieldValue {
  package static var kind: FieldKind { .list(Element.kind) }
  package static var entersKey: Bool { Element.entersKey }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self? {
    guard case .list(let element) = kind else { return nil }
    // A single value stands for a list of one.
    guard case .list(let items) = value.content else {
      let isOne =
        switch value.content {
        case .scalar: !value.isNull
        case .map: element.members != nil
        case .list: false
        }
      if isOne { return Element.read(value, as: element, &decoder).map { [$0] } }
      decoder.report(.wantsList(found: value.kindWords), value)
      return nil
    }
    var read: [Element] = []
    for (index, item) in items.enumerated() {
      decoder.path.append("[\(index)]")
      if let value = Element.read(item, as: element, &decoder) { read.append(value) }
      decoder.path.removeLast()
    }
    return read.count == items.count ? read : nil
  }

  package var canonical: CanonicalValue { .list(map(\.canonical)) }

  /// Maps have their fields as entries of their own, so that what differs is told by its name: `rewards[1].weight`.
  package func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry]) {
    guard Element.kind.members != nil, !isEmpty else {
      entries.append(KeyPreimage.Entry(label, canonical))
      return
    }
    for (index, element) in enumerated() {
      let before = entries.count
      element.appendKeyEntries("\(label)[\(index)]", &entries)
      // A map without anything that decides is not the same as none.
      if entries.count == before { entries.append(KeyPreimage.Entry("\(label)[\(index)]", .map([:]))) }
    }
  }

  package var json: JSON { .array(map(\.json)) }

  package static func read(json: JSON) throws -> Self {
    try FieldTransportError.require(json.array, "list", json).map { try Element.read(json: $0) }
  }
}
