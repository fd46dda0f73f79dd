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
  /// When it has an effect; always where there is none.
  package let condition: FieldCondition?

  let kind: FieldKind
  let takesNull: Bool
  /// The value in a set of fields; nil when it is not given and has no default.
  let value: @Sendable (Fields) -> CanonicalValue?
  let read: @Sendable (LocatedValue, inout Fields, inout FieldDecoder) -> Void
  let appendKeyEntries: @Sendable (Fields, String, inout [KeyPreimage.Entry]) -> Void
  let json: @Sendable (Fields) -> JSON
  let readJSON: @Sendable (JSON, inout Fields) throws -> Void
}

extension Field {
  /// - Parameters:
  ///   - name: The name in the pipeline file.
  ///   - property: The stored property; Optional there when it has no default.
  ///   - kind: What is read, where the type alone does not tell: a text may be a choice among some.
  ///   - range: The numbers it takes, also for lists of numbers.
  ///   - unit: Such as `tokens`; for people.
  ///   - role: Whether it is in the key.
  ///   - required: Whether the pipeline file must give it.
  ///   - birth: For a field that was added after the node type was first released: the default it was born with. While
  ///     the field equals it the key is as if the field did not exist, so that older results stay valid. It never
  ///     changes, even when the default does.
  ///   - condition: When it has an effect: `.when("stage", ["dpo"])`; always unless given.
  ///   - doc: One sentence for the reference page.
  package init<Value: FieldValue>(
    _ name: String, _ property: any WritableKeyPath<Fields, Value> & Sendable,
    kind: FieldKind = Value.kind, in range: (any NumberRangeExpression)? = nil, unit: String? = nil,
    role: FieldRole = .result, required: Bool = false, since birth: Birth<Value>? = nil,
    for condition: FieldCondition? = nil, doc: String
  ) {
    self.init(
      name, get: { $0[keyPath: property] }, set: { $0[keyPath: property] = $1 }, kind: kind, in: range, unit: unit,
      role: role,
      required: required, since: birth, for: condition, doc: doc)
  }

  /// As with a property, for a value that is kept in another way.
  package init<Value: FieldValue>(
    _ name: String, get: @escaping @Sendable (Fields) -> Value, set: @escaping @Sendable (inout Fields, Value) -> Void,
    kind: FieldKind = Value.kind, in range: (any NumberRangeExpression)? = nil, unit: String? = nil,
    role: FieldRole = .result, required: Bool = false, since birth: Birth<Value>? = nil,
    for condition: FieldCondition? = nil, doc: String
  ) {
    let kind = kind.ranged(range?.numberRange)
    self.name = name
    self.doc = doc
    self.unit = unit
    self.role = role
    isRequired = required
    self.condition = condition
    self.kind = kind
    takesNull = Value.isOptional && !required
    value = { fields in
      let value = get(fields)
      return value.isAbsent ? nil : value.canonical
    }
    read = { located, fields, decoder in
      if let value = Value.read(located, as: kind, &decoder) { set(&fields, value) }
    }
    appendKeyEntries = { fields, label, entries in
      let value = get(fields)
      guard role == .result, Value.entersKey else { return }
      if let birth, birth.defaultValue.canonical == value.canonical { return }
      value.appendKeyEntries(label, &entries)
    }
    json = { get($0).json }
    readJSON = { json, fields in set(&fields, try Value.read(json: json)) }
  }

  /// The declaration without its types.
  package var description: FieldDescription {
    FieldDescription(
      name: name, kind: kind, doc: doc, unit: unit, role: role, isRequired: isRequired, takesNull: takesNull,
      defaultValue: isRequired ? nil : value(Fields()), condition: condition)
  }

  /// How many other fields decide whether it has an effect: each of them hangs on fewer.
  var depth: Int { condition?.terms.count ?? 0 }
}

extension Field {
  /// The field as one of a larger set that holds this one's set somewhere inside.
  ///
  /// - Parameters:
  ///   - get: Takes the inner set out of the outer one; its defaults where the outer one holds none yet.
  ///   - set: Puts the inner set back.
  ///   - condition: When it has an effect, beside its own condition.
  package func lifted<Outer: FieldSet>(
    get: @escaping @Sendable (Outer) -> Fields, set: @escaping @Sendable (inout Outer, Fields) -> Void,
    for condition: FieldCondition? = nil
  ) -> Field<Outer> {
    Field<Outer>(
      name: name, doc: doc, unit: unit, role: role, isRequired: isRequired,
      condition: condition?.and(self.condition) ?? self.condition, kind: kind, takesNull: takesNull,
      value: { [value] in value(get($0)) },
      read: { [read] located, outer, decoder in
        var inner = get(outer)
        read(located, &inner, &decoder)
        set(&outer, inner)
      },
      appendKeyEntries: { [appendKeyEntries] outer, label, entries in appendKeyEntries(get(outer), label, &entries) },
      json: { [json] in json(get($0)) },
      readJSON: { [readJSON] json, outer in
        var inner = get(outer)
        try readJSON(json, &inner)
        set(&outer, inner)
      })
  }
}

extension Array {
  /// All fields of an inner set as fields of a larger one; see ``Field/lifted(get:set:for:)``.
  ///
  ///     static let fields = own + DPOFields.fields.lifted(
  ///       get: { $0.dpo }, set: { $0.dpo = $1 }, for: .when("stage", ["dpo"]))
  package func lifted<Inner: FieldSet, Outer: FieldSet>(
    get: @escaping @Sendable (Outer) -> Inner, set: @escaping @Sendable (inout Outer, Inner) -> Void,
    for condition: FieldCondition? = nil
  ) -> [Field<Outer>] where Element == Field<Inner> {
    map { $0.lifted(get: get, set: set, for: condition) }
  }
}

/// The default that a later-added field was born with.
package struct Birth<Value: FieldValue>: Sendable {
  package let defaultValue: Value

  package init(default value: Value) { defaultValue = value }
}
