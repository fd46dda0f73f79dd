import PreciseJSON

/// A field's type with a fixed set of names: an enum whose raw values are what people write.
///
///     enum Overlong: String, FieldChoice { case error, drop, truncate }
package protocol FieldChoice: FieldValue, RawRepresentable, CaseIterable where RawValue == String {}

extension FieldChoice {
  package static var kind: FieldKind { .choice(allCases.map(\.rawValue)) }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self? {
    guard let scalar = decoder.scalar(value, wanted: kind.wanted) else { return nil }
    if let choice = Self(rawValue: scalar.text) { return choice }
    decoder.report(.unknownChoice(scalar.text, among: allCases.map(\.rawValue)), value)
    return nil
  }

  package var canonical: CanonicalValue { .text(rawValue) }
  package var json: JSON { JSON(rawValue) }

  package static func read(json: JSON) throws -> Self {
    try FieldTransportError.require(
      json.string.flatMap(Self.init(rawValue:)), "one of \(allCases.map(\.rawValue))", json)
  }
}
