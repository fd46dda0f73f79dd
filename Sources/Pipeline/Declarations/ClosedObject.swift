import PreciseJSON

/// A property that a map of the pipeline file may have, for the JSON Schema: a field or an input.
struct SchemaMember {
  var name: String
  var condition: FieldCondition?
  var doc: String
  /// The schema of its value, without description.
  var schema: JSON
  var isRequired: Bool
  var takesNull: Bool

  /// The schema with what people read.
  var described: JSON {
    let note = condition.map { ", \($0.words)" } ?? ""
    return JSON([("description", JSON(doc + note))] + (schema.object?.members ?? []))
  }
}

/// The JSON Schema of a map with these properties and no others, of which some may hang on the values of others.
///
/// A param (`${name}`) may stand for any value: where one decides, every property that it could bring in is allowed, and
/// none is required.
struct ClosedObject {
  private let members: [SchemaMember]
  private let deciders: [FieldDescription]
  private let param: JSON
  private let names: [String]

  /// - Parameters:
  ///   - deciders: The fields that conditions name.
  ///   - param: The schema of a param.
  init(_ members: [SchemaMember], deciders: [FieldDescription], param: JSON) {
    self.members = members
    self.deciders = deciders
    self.param = param
    names = members.map(\.name).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private func variants(_ name: String) -> [SchemaMember] { members.filter { $0.name == name } }

  /// - Parameters:
  ///   - head: What stands before the properties.
  ///   - first: A required property before the others.
  func json(_ head: [(key: String, value: JSON)] = [], first: (key: String, value: JSON)? = nil) -> JSON {
    let required =
      (first.map { [$0.key] } ?? []) + members.filter { $0.isRequired && $0.condition == nil }.map(\.name)
    let properties =
      (first.map { [$0] } ?? []) + names.map { name -> (key: String, value: JSON) in (name, property(variants(name))) }
    var object =
      head + [
        ("type", "object"), ("properties", JSON(properties)), ("required", .array(required.map { JSON($0) })),
        ("additionalProperties", false),
      ]
    let rules = refusals + demands
    if !rules.isEmpty { object.append(("allOf", .array(rules))) }
    return JSON(object)
  }

  private func property(_ variants: [SchemaMember]) -> JSON {
    if variants.count == 1 { return variants[0].described }
    let doc = variants.map { "\($0.doc), \($0.condition?.words ?? "always")" }.joined(separator: "; ")
    return ["description": JSON(doc), "anyOf": .array(variants.map(\.schema))]
  }

  /// Properties that may not be given where none of their conditions can hold; those with the same conditions together.
  private var refusals: [JSON] {
    var groups: [(conditions: [FieldCondition], properties: [(key: String, value: JSON)])] = []
    for name in names {
      let variants = variants(name)
      let conditions = variants.compactMap(\.condition)
      guard conditions.count == variants.count else { continue }
      let refused: JSON = variants.contains(where: \.takesNull) ? ["type": "null"] : false
      if let index = groups.firstIndex(where: { $0.conditions == conditions }) {
        groups[index].properties.append((name, refused))
      } else {
        groups.append((conditions, [(name, refused)]))
      }
    }
    return groups.map { group in
      let possible = group.conditions.map { test($0, isStrict: false) }
      return [
        "if": possible.count == 1 ? possible[0] : ["anyOf": .array(possible)],
        "else": ["properties": JSON(group.properties)],
      ]
    }
  }

  /// What holds where a condition does: its properties are required, and those of several forms have the one that is meant.
  private var demands: [JSON] {
    var conditions: [FieldCondition] = []
    for condition in members.compactMap(\.condition) where !conditions.contains(condition) {
      conditions.append(condition)
    }
    return conditions.compactMap { condition in
      let own = members.filter { $0.condition == condition }
      let forms = own.filter { variants($0.name).count > 1 }
      let required = own.filter(\.isRequired)
      guard !forms.isEmpty || !required.isEmpty else { return nil }
      var then: [(key: String, value: JSON)] = []
      if !forms.isEmpty { then.append(("properties", JSON(forms.map { (key: $0.name, value: $0.described) }))) }
      if !required.isEmpty { then.append(("required", .array(required.map { JSON($0.name) }))) }
      return ["if": test(condition, isStrict: true), "then": JSON(then)]
    }
  }

  /// A schema that the map passes when the condition holds; unless strict, also when it may because of a param.
  private func test(_ condition: FieldCondition, isStrict: Bool) -> JSON {
    let tests = condition.terms.map { term -> JSON in
      let decider = condition.decider(of: term, among: deciders)
      switch term {
      case .absence(let field, _): return ["properties": [field: alternatives([["type": "null"]], isStrict)]]
      case .value(let field, let values):
        let isList = if case .list? = decider?.kind { true } else { false }
        let isBool = decider?.kind.conditionValues == FieldKind.bool.conditionValues
        let one: JSON = ["enum": .array(values.map { isBool ? JSON($0 == "true") : JSON($0) })]
        let forms =
          isList ? [one, ["type": "array", "contains": alternatives([one], isStrict)]] : [one]
        let holdsUnlessGiven = decider?.defaultValue?.conditionTexts.contains(where: values.contains) ?? false
        var test: [(key: String, value: JSON)] = [("properties", [field: alternatives(forms, isStrict)])]
        if !holdsUnlessGiven { test.append(("required", [JSON(field)])) }
        return JSON(test)
      }
    }
    return tests.count == 1 ? tests[0] : ["allOf": .array(tests)]
  }

  private func alternatives(_ forms: [JSON], _ isStrict: Bool) -> JSON {
    let forms = isStrict ? forms : forms + [param]
    return forms.count == 1 ? forms[0] : ["anyOf": .array(forms)]
  }
}
