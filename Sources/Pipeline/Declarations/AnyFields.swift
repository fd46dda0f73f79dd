import Diagnostics
import PreciseJSON

/// A node's decoded fields, whatever its type.
package struct AnyFields: Sendable {
  package let base: any FieldSet
  /// The fields that the pipeline file (or `--set`) gives, whatever their values: `beta`, `optimizer.betas`.
  package let written: Set<String>

  package init(_ fields: some FieldSet, written: Set<String> = []) {
    base = fields
    self.written = written
  }

  /// The fields as their own type, or nil when they are of another.
  package func of<Fields: FieldSet>(_ type: Fields.Type) -> Fields? { base as? Fields }

  /// What the fields that have an effect contribute to keys: `fields.rank`, `fields.schedule.type`.
  package var keyEntries: [KeyPreimage.Entry] { Self.keyEntries(base) }

  private static func keyEntries<Fields: FieldSet>(_ fields: Fields) -> [KeyPreimage.Entry] {
    var entries: [KeyPreimage.Entry] = []
    for field in Fields.applicable(in: fields) { field.appendKeyEntries(fields, "fields.\(field.name)", &entries) }
    return entries
  }

  /// All fields that have an effect, for the way to a worker process.
  package var json: JSON { Self.json(base) }

  private static func json<Fields: FieldSet>(_ fields: Fields) -> JSON {
    JSON(Fields.applicable(in: fields).map { (key: $0.name, value: $0.json(fields)) })
  }

  /// Reads what ``json`` wrote.
  ///
  /// - Throws: ``FieldTransportError`` when a member is missing, unknown or of another kind.
  package static func read<Fields: FieldSet>(_ type: Fields.Type, json: JSON) throws -> Fields {
    let object = try FieldTransportError.require(json.object, "map of fields", json)
    var fields = Fields()
    var known: Set<String> = []
    // Those that decide about others come first.
    for field in Fields.fields.sorted(by: { $0.depth < $1.depth })
    where Fields.verdict(of: field.condition, in: fields).holds {
      let member = try FieldTransportError.require(object[field.name], "field `\(field.name)`", json)
      try field.readJSON(member, &fields)
      known.insert(field.name)
    }
    if let unknown = object.keys.first(where: { !known.contains($0) }) {
      throw FieldTransportError(wanted: "a declared field that has an effect", found: "`\(unknown)`")
    }
    return fields
  }

  /// What is known about a condition; see ``FieldSet/verdict(of:in:unreadable:)``.
  func verdict(of condition: FieldCondition?, unreadable: Set<String>) -> FieldCondition.Verdict {
    Self.verdict(of: condition, base, unreadable)
  }
  private static func verdict<Fields: FieldSet>(
    of condition: FieldCondition?, _ fields: Fields, _ unreadable: Set<String>
  ) -> FieldCondition.Verdict {
    Fields.verdict(of: condition, in: fields, unreadable: unreadable)
  }

  func texts(of name: String) -> [String]? { Self.texts(of: name, base) }
  private static func texts<Fields: FieldSet>(of name: String, _ fields: Fields) -> [String]? {
    Fields.texts(of: name, in: fields)
  }

  /// The names of the fields that have an effect, and of those that have none.
  var names: (applicable: [String], idle: [FieldDecoder.IdleName]) { Self.names(base) }
  private static func names<Fields: FieldSet>(
    _ fields: Fields
  ) -> (applicable: [String], idle: [FieldDecoder.IdleName]) {
    (Fields.applicable(in: fields).map(\.name), Fields.idleNames(in: fields))
  }

  /// Reports required fields that are missing from `owner`.
  func reportMissing(at owner: LocatedValue, _ decoder: inout FieldDecoder) {
    Self.reportMissing(base, owner, &decoder)
  }
  private static func reportMissing<Fields: FieldSet>(
    _ fields: Fields, _ owner: LocatedValue, _ decoder: inout FieldDecoder
  ) {
    decoder.reportMissing(in: fields, at: owner)
  }
}
