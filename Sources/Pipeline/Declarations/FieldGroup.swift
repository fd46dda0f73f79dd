import PreciseJSON

/// A field that is a map of fields of its own: `schedule: {type: cosine, warmup_ratio: 0.05}`.
package protocol FieldGroup: FieldSet, FieldValue {}

extension FieldGroup {
  package static var kind: FieldKind { .group(fields.map(\.description)) }
  package static var entersKey: Bool { true }

  package static func read(_ value: LocatedValue, as kind: FieldKind, _ decoder: inout FieldDecoder) -> Self? {
    readMap(value, &decoder)
  }

  /// Reads a map of the fields; reports and gives nil for anything else.
  static func readMap(_ value: LocatedValue, _ decoder: inout FieldDecoder) -> Self? {
    var set = Self()
    guard case .map(let pairs) = value.content else {
      decoder.report(.wantsMap(found: value.kindWords, names: applicable(in: set).map(\.name)), value)
      return nil
    }
    let problems = decoder.errorCount
    // What is known about names of this map says nothing about the maps around it.
    let outer = decoder.scope
    decoder.scope = FieldDecoder.Scope()
    defer { decoder.scope = outer }
    decoder.read(pairs, into: &set)
    let names = applicable(in: set).map(\.name)
    for pair in pairs where !fields.contains(where: { $0.name == pair.key.text }) {
      decoder.reportUnknown(
        pair.key, .unknownGroupField(pair.key.text, among: names, idle: idleNames(in: set)), among: names)
    }
    decoder.reportMissing(in: set, at: value)
    return decoder.errorCount == problems ? set : nil
  }

  package var canonical: CanonicalValue {
    var entries: [KeyPreimage.Entry] = []
    for field in Self.applicable(in: self) { field.appendKeyEntries(self, field.name, &entries) }
    return .map(Dictionary(entries.map { ($0.label, $0.value) }) { first, _ in first })
  }

  package func appendKeyEntries(_ label: String, _ entries: inout [KeyPreimage.Entry]) {
    for field in Self.applicable(in: self) { field.appendKeyEntries(self, "\(label).\(field.name)", &entries) }
  }

  package var json: JSON { AnyFields(self).json }

  package static func read(json: JSON) throws -> Self { try AnyFields.read(Self.self, json: json) }
}
