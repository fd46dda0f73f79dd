/// The fields of a node type as tables for people: first those that always have an effect, then those of each choice, so
/// that one sees at once what `stage: dpo` has.
struct FieldTables {
  struct Row {
    /// The name, in a group after the group's: `schedule.type`, in maps of a list `rewards[].type`.
    var path: String
    var field: FieldDescription
    /// What else must hold beside the table's title.
    var note: String?
  }

  struct Table {
    /// When its fields have an effect: ``with `stage: dpo` or `kto` ``; nil for those that always have.
    var title: String?
    var rows: [Row]
  }

  private(set) var tables: [Table] = []

  init(_ fields: [FieldDescription]) {
    tables = [Table(title: nil, rows: Self.rows(fields.filter { $0.condition == nil }, ""))]
    addChoices(of: fields, prefix: "")
    tables.removeAll { $0.rows.isEmpty }
  }

  /// Fields with those of groups after their group; of groups without what hangs on a choice of their own.
  private static func rows(_ fields: [FieldDescription], _ prefix: String, note: String? = nil) -> [Row] {
    fields.flatMap { field -> [Row] in
      let row = Row(path: prefix + field.name, field: field, note: note)
      guard let inner = field.kind.members else { return [row] }
      return [row] + rows(inner.fields.filter { $0.condition == nil }, prefix + field.name + inner.prefix)
    }
  }

  /// A table for each value of each choice in a map; values that bring the same fields share one.
  private mutating func addChoices(of fields: [FieldDescription], prefix: String) {
    var cases: [(first: FieldCondition.Term, fields: [Int])] = []
    for (index, field) in fields.enumerated() {
      guard let first = field.condition?.terms.first else { continue }
      for one in Self.cases(first) {
        if let known = cases.firstIndex(where: { $0.first == one }) {
          cases[known].fields.append(index)
        } else {
          cases.append((one, [index]))
        }
      }
    }
    var merged: [(terms: [FieldCondition.Term], fields: [Int])] = []
    for one in cases {
      if let known = merged.firstIndex(where: { $0.fields == one.fields && $0.terms[0].field == one.first.field }) {
        merged[known].terms.append(one.first)
      } else {
        merged.append(([one.first], one.fields))
      }
    }
    for group in merged {
      let rows = group.fields.flatMap { index -> [Row] in
        let rest = Array((fields[index].condition?.terms ?? []).dropFirst())
        return Self.rows([fields[index]], prefix, note: rest.isEmpty ? nil : FieldCondition.words(rest))
      }
      let terms = group.terms.map { $0.inside(prefix) }
      tables.append(Table(title: FieldCondition.words(terms.map { FieldCondition(terms: [$0]) }), rows: rows))
    }
    for field in fields {
      if let inner = field.kind.members { addChoices(of: inner.fields, prefix: prefix + field.name + inner.prefix) }
    }
  }

  private static func cases(_ term: FieldCondition.Term) -> [FieldCondition.Term] {
    switch term {
    case .value(let field, let values): values.map { .value(of: field, in: [$0]) }
    case .absence(let field, _): [.absence(of: field, because: nil)]
    }
  }
}

extension FieldCondition.Term {
  /// The term as it is named from outside of a group: `schedule.type`.
  fileprivate func inside(_ prefix: String) -> Self {
    switch self {
    case .value(let field, let values): .value(of: prefix + field, in: values)
    case .absence(let field, let reason): .absence(of: prefix + field, because: reason)
    }
  }
}
