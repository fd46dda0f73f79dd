import Diagnostics
import PreciseJSON

/// The declaration of one field of a node type: drives decoding, keys, transport to workers, schema and documentation.
///
///     Field("rank", \.rank, in: 1...4096, doc: "Rank of the update")
package struct Field<Fields: FieldSet>: Sendable {
  package let name: String
  package let doc: String
  package let unit: String?
  package let role: FieldRole
  package let isRequired: Bool

  let kind: FieldKind
  let takesNull: Bool
  let defaultValue: @Sendable (Fields) -> CanonicalValue?
  let isMissing: @Sendable (Fields) -> Bool
  let read: @Sendable (LocatedValue, inout Fields, inout FieldDecoder) -> Void
  let appendKeyEntries: @Sendable (Fields, String, inout [KeyPreimage.Entry]) -> Void
  let json: @Sendable (Fields) -> JSON
  let readJSON: @Sendable (JSON, inout Fields) throws -> Void

  /// - Parameters:
  ///   - name: The name in the pipeline file.
  ///   - property: The stored property; Optional there when it has no default.
  ///   - range: The numbers it takes, also for lists of numbers.
  ///   - unit: Such as `tokens`; for people.
  ///   - role: Whether it is in the key.
  ///   - required: Whether the pipeline file must give it.
  ///   - birth: For a field that was added after the node type was first released: the default it was born with. While
  ///     the field equals it the key is as if the field did not exist, so that older results stay valid. It never
  ///     changes, even when the default does.
  ///   - doc: One sentence for the reference page.
  package init<Value: FieldValue>(
    _ name: String, _ property: any WritableKeyPath<Fields, Value> & Sendable,
    in range: (any NumberRangeExpression)? = nil, unit: String? = nil, role: FieldRole = .result,
    required: Bool = false, since birth: Birth<Value>? = nil, doc: String
  ) {
    let kind = Value.kind.ranged(range?.numberRange)
    self.name = name
    self.doc = doc
    self.unit = unit
    self.role = role
    isRequired = required
    self.kind = kind
    takesNull = Value.isOptional && !required
    defaultValue = { fields in
      let value = fields[keyPath: property]
      return value.isAbsent ? nil : value.canonical
    }
    isMissing = { required && $0[keyPath: property].isAbsent }
    read = { located, fields, decoder in
      if let value = Value.read(located, as: kind, &decoder) { fields[keyPath: property] = value }
    }
    appendKeyEntries = { fields, label, entries in
      let value = fields[keyPath: property]
      guard role == .result, Value.entersKey else { return }
      if let birth, birth.defaultValue.canonical == value.canonical { return }
      value.appendKeyEntries(label, &entries)
    }
    json = { $0[keyPath: property].json }
    readJSON = { json, fields in fields[keyPath: property] = try Value.read(json: json) }
  }

  /// The declaration without its types.
  package var description: FieldDescription {
    FieldDescription(
      name: name, kind: kind, doc: doc, unit: unit, role: role, isRequired: isRequired, takesNull: takesNull,
      defaultValue: isRequired ? nil : defaultValue(Fields()))
  }
}

/// The default that a later-added field was born with.
package struct Birth<Value: FieldValue>: Sendable {
  package let defaultValue: Value

  package init(default value: Value) { defaultValue = value }
}
