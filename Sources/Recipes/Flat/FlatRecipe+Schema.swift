import Pipeline
import PreciseJSON

extension FlatRecipe {
  /// The JSON Schema (draft 2020-12) of recipes, for editors: what the schema of pipelines says of the nodes' fields, under
  /// the names that they have here.
  package static func schema(_ registry: NodeRegistry) -> JSON {
    let pipelines = PipelineSchema(registry).json
    var properties: [(key: String, value: JSON)] = FlatWord.allCases.map { ($0.rawValue, schema(of: $0, registry)) }
    for port in FlatKeys.ports(registry) {
      properties.append((port.name, described(port.doc, ["type": "string", "minLength": 1])))
    }
    var known = Set(properties.map(\.key))
    let roles = FlatRole.all(registry)
    let found = roles.filter { !FlatRole.namedOnly.contains($0.name) }.flatMap { role in
      keys(of: role, in: pipelines["$defs"]?["node.\(role.type.name)"]?["properties"] ?? .null)
    }
    for (name, _) in found where known.insert(name).inserted {
      let forms = found.filter { $0.name == name }.map(\.form)
      properties.append((name, forms.count == 1 ? forms[0] : ["anyOf": .array(forms)]))
    }
    // A node's fields as a map; what else begins with its name is one of them.
    for role in roles where known.insert(role.name).inserted {
      properties.append((role.name, described("Fields of the node `\(role.name)`", ["type": ["object", "string"]])))
    }
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Anneal recipe", "type": "object",
      "required": ["recipe", "model", "data"], "properties": JSON(properties),
      // A field by the name of its node, or of its group.
      "patternProperties": ["^[a-z_0-9]+\\.[a-z_]+": [:]],
      "additionalProperties": false,
      // There are no params in recipes.
      "$defs": ["param": false],
    ]
  }

  private static func schema(of word: FlatWord, _ registry: NodeRegistry) -> JSON {
    let text: JSON = ["type": "string", "minLength": 1]
    switch word {
    case .recipe: return described(word.doc, ["enum": .array(stages(registry).map { JSON($0) })])
    case .name, .model, .out: return described(word.doc, text)
    case .data: return described(word.doc, ["anyOf": [text, ["type": "array", "minItems": 1, "items": text]]])
    case .validation:
      let share: JSON = ["type": "number", "minimum": 0, "maximum": 0.9]
      return described(word.doc, ["anyOf": [share, text, ["type": "array", "minItems": 1, "items": text]]])
    // A node has this name too.
    case .adapter: return described(word.doc, ["anyOf": [text, ["type": "object"]]])
    case .merge: return described(word.doc, ["type": "boolean"])
    }
  }

  private static func stages(_ registry: NodeRegistry) -> [String] {
    guard case .choice(let names)? = registry["train"]?.fields.first(where: { $0.name == "stage" })?.kind else {
      return []
    }
    return names
  }

  /// The keys that a node's fields are, those inside of groups too, with what they look like.
  private static func keys(of role: FlatRole, in properties: JSON) -> [(name: String, form: JSON)] {
    role.type.fields.flatMap { field -> [(name: String, form: JSON)] in
      guard !FlatKeys.hidden.contains(field.name), let form = properties[field.name] else { return [] }
      let inner = form["properties"]?.object.map(\.members) ?? []
      guard !inner.isEmpty else { return [(field.name, form)] }
      let isTyped = form["properties"]?["type"] != nil
      let whole: JSON = isTyped ? ["anyOf": [form, ["type": "string"]]] : form
      return [(field.name, whole)] + inner.filter { $0.key != "type" }.map { ($0.key, $0.value) }
    }
  }

  private static func described(_ words: String, _ form: JSON) -> JSON {
    JSON([(key: "description", value: JSON(words))] + (form.object.map(\.members) ?? []))
  }
}
