import Diagnostics
import PreciseJSON

/// A node's decoded fields, whatever its type.
package struct AnyFields: Sendable {
  package let base: any FieldSet

  package init(_ fields: some FieldSet) { base = fields }

  /// The fields as their own type, or nil when they are of another.
  package func of<Fields: FieldSet>(_ type: Fields.Type) -> Fields? { base as? Fields }

  /// What the fields contribute to keys: `fields.rank`, `fields.schedule.type`.
  package var keyEntries: [KeyPreimage.Entry] { Self.keyEntries(base) }

  private static func keyEntries<Fields: FieldSet>(_ fields: Fields) -> [KeyPreimage.Entry] {
    var entries: [KeyPreimage.Entry] = []
    for field in Fields.fields { field.appendKeyEntries(fields, "fields.\(field.name)", &entries) }
    return entries
  }

  /// All fields, for the way to a worker process.
  package var json: JSON { Self.json(base) }

  private static func json<Fields: FieldSet>(_ fields: Fields) -> JSON {
    JSON(Fields.fields.map { (key: $0.name, value: $0.json(fields)) })
  }

  /// Reads what ``json`` wrote.
  ///
  /// - Throws: ``FieldTransportError`` when a member is missing, unknown or of another kind.
  package static func read<Fields: FieldSet>(_ type: Fields.Type, json: JSON) throws -> Fields {
    let object = try FieldTransportError.require(json.object, "map of fields", json)
    var fields = Fields()
    for field in Fields.fields {
      let member = try FieldTransportError.require(object[field.name], "field `\(field.name)`", json)
      try field.readJSON(member, &fields)
    }
    if let unknown = object.keys.first(where: { key in !Fields.fields.contains { $0.name == key } }) {
      throw FieldTransportError(wanted: "a declared field", found: "`\(unknown)`")
    }
    return fields
  }
}
