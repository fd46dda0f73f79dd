/// What is wrong with the declarations of a map's fields and of a node type's ports, in a sentence each.
enum DeclarationProblems {
  static func of(_ type: AnyNodeType) -> [String] {
    let ports = type.inputs.map { (name: $0.name, condition: $0.condition) }
    let taken = ["type"] + NodeSettings.fields.map(\.name)
    let fieldNames = Set(type.fields.map(\.name))
    var problems = taken.filter { name in fieldNames.contains(name) || ports.contains { $0.name == name } }
      .map { "`\($0)` is a setting of every node" }
    problems += Set(ports.map(\.name)).intersection(fieldNames).sorted().map { "`\($0)` is a field and an input" }
    problems += twice(ports, type.fields)
    problems += ports.flatMap { port in port.condition.map { wrong($0, of: port.name, type.fields) } ?? [] }
    return (problems + of(type.fields)).map { "`\(type.name)`: \($0)" }
  }

  /// Of the fields of one map, and of the groups among them.
  private static func of(_ fields: [FieldDescription]) -> [String] {
    var problems = twice(fields.map { ($0.name, $0.condition) }, fields)
    for field in fields {
      if let condition = field.condition { problems += wrong(condition, of: field.name, fields) }
      if let inner = field.kind.members { problems += of(inner.fields).map { "\($0), in `\(field.name)`" } }
    }
    return problems
  }

  /// Names that may mean two things at once.
  private static func twice(
    _ declared: [(name: String, condition: FieldCondition?)], _ fields: [FieldDescription]
  ) -> [String] {
    // A list may hold two values at once.
    func decides(_ term: FieldCondition.Term) -> Bool {
      !fields.contains { if $0.name == term.field, case .list = $0.kind { true } else { false } }
    }
    var problems: [String] = []
    for (index, first) in declared.enumerated() {
      for second in declared[..<index] where second.name == first.name {
        let terms = first.condition.map { FieldCondition(terms: $0.terms.filter(decides)) }
        if let terms, let other = second.condition, terms.excludes(other) { continue }
        let problem = "`\(first.name)` is declared twice for one case"
        if !problems.contains(problem) { problems.append(problem) }
      }
    }
    return problems
  }

  private static func wrong(
    _ condition: FieldCondition, of name: String, _ fields: [FieldDescription]
  ) -> [String] {
    condition.terms.flatMap { term -> [String] in
      guard let decider = condition.decider(of: term, among: fields) else {
        return ["the condition of `\(name)` names `\(term.field)`, which does not have an effect wherever it holds"]
      }
      switch term {
      case .absence: return decider.takesNull ? [] : ["`\(name)` wants `\(term.field)` away, which is never nothing"]
      case .value(_, let values):
        let unknown = values.filter { !decider.kind.conditionValues.contains($0) }
        return unknown.map { "the condition of `\(name)` names `\(term.field): \($0)`, which is no value of it" }
      }
    }
  }
}

extension FieldCondition {
  /// The field that a term names: the one of that name that has an effect wherever the other terms hold.
  func decider(of term: Term, among fields: [FieldDescription]) -> FieldDescription? {
    let others = Set(terms).subtracting([term])
    return fields.first { $0.name == term.field && others.isSuperset(of: $0.condition?.terms ?? []) }
  }
}

extension FieldKind {
  /// The texts that conditions can ask for.
  var conditionValues: [String] {
    switch self {
    case .bool: ["true", "false"]
    case .choice(let names): names
    case .list(let element): element.conditionValues
    default: []
    }
  }
}
