import PreciseJSON

extension Bool: FieldValue {
  package static var kind: FieldKind { .bool }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Bool? {
    guard let scalar = decoder.scalar(value, wanted: "`true` or `false`") else { return nil }
    switch CoreScalar.bool(scalar) {
    case .success(let read): return read
    case .failure(let problem):
      decoder.report(problem, value)
      return nil
    }
  }

  package var canonical: CanonicalValue { .bool(self) }
  package var json: JSON { JSON(self) }
  package static func read(json: JSON) throws -> Bool { try FieldTransportError.require(json.bool, "bool", json) }
}

extension Int: FieldValue {
  package static var kind: FieldKind { .integer(nil) }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Int? {
    guard let scalar = decoder.scalar(value, wanted: "a whole number") else { return nil }
    switch CoreScalar.integer(scalar) {
    case .failure(let problem):
      decoder.report(problem, value)
      return nil
    case .success(let read):
      if case .integer(let range?) = kind, !range.contains(read) {
        decoder.report(.outOfRange(value: scalar.text, range: range.words), value)
        return nil
      }
      return read
    }
  }

  package var canonical: CanonicalValue { .integer(self) }
  package var json: JSON { JSON(self) }
  package static func read(json: JSON) throws -> Int { try FieldTransportError.require(json.int, "integer", json) }
}

extension Double: FieldValue {
  package static var kind: FieldKind { .number(nil) }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Double? {
    guard let scalar = decoder.scalar(value, wanted: "a number") else { return nil }
    switch CoreScalar.number(scalar) {
    case .failure(let problem):
      decoder.report(problem, value)
      return nil
    case .success(let read):
      if case .number(let range?) = kind, !range.contains(read) {
        decoder.report(.outOfRange(value: scalar.text, range: range.words), value)
        return nil
      }
      return read
    }
  }

  package var canonical: CanonicalValue { .number(self) }
  package var json: JSON { JSON(self) }
  package static func read(json: JSON) throws -> Double { try FieldTransportError.require(json.double, "number", json) }
}

extension String: FieldValue {
  package static var kind: FieldKind { .text }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> String? {
    guard case .choice(let names) = kind else { return decoder.scalar(value, wanted: "text")?.text }
    guard let scalar = decoder.scalar(value, wanted: kind.wanted) else { return nil }
    if names.contains(scalar.text) { return scalar.text }
    decoder.report(.unknownChoice(scalar.text, among: names), value)
    return nil
  }

  package var canonical: CanonicalValue { .text(self) }
  package var json: JSON { JSON(self) }
  package static func read(json: JSON) throws -> String { try FieldTransportError.require(json.string, "text", json) }
}
