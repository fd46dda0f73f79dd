import PreciseJSON

/// The JSON Schema (draft 2020-12) of pipeline files, for editors: made from the same declarations that the reader
/// uses, closed everywhere, one branch a node type.
package struct PipelineSchema: Sendable {
  private let registry: NodeRegistry

  package init(_ registry: NodeRegistry) { self.registry = registry }

  private static let namePattern = "^[A-Za-z_][A-Za-z0-9_-]*$"
  private static let paramPattern = "\\$\\{[A-Za-z_][A-Za-z0-9_-]*\\}"
  private static let param: JSON = ["$ref": "#/$defs/param"]
  private static let node: JSON = ["$ref": "#/$defs/reference"]
  private static let cache: JSON = ["$ref": "#/$defs/cache"]

  package var json: JSON {
    let branches = registry.types.map { type -> JSON in
      [
        "if": ["properties": ["type": ["const": JSON(type.name)]], "required": ["type"]],
        "then": ["$ref": JSON("#/$defs/node.\(type.name)")],
      ]
    }
    var definitions: [(key: String, value: JSON)] = [
      (
        "param",
        ["description": "A param: `${name}`", "type": "string", "pattern": JSON(Self.paramPattern)]
      ),
      (
        "reference",
        [
          "description": "The name of a node, or NODE.OUTPUT", "type": "string",
          "pattern": JSON("^[A-Za-z_][A-Za-z0-9_-]*(@\\*)?(\\.[A-Za-z_][A-Za-z0-9_-]*)?$|\(Self.paramPattern)"),
        ]
      ),
      ("scalar", ["type": ["string", "number", "boolean", "null"]]),
      (
        "node",
        [
          "type": "object",
          "properties": [
            "type": ["description": "What the node does", "enum": .array(registry.names.map { JSON($0) })]
          ],
          "required": ["type"], "allOf": .array(branches),
        ]
      ),
    ]
    definitions += Self.groups
    definitions.append(("cache", cache))
    definitions += registry.types.map { ("node.\($0.name)", branch($0)) }
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "Anneal pipeline",
      "type": "object",
      "properties": [
        "pipeline": [
          "description": "The name of the pipeline; also of its folder under results/",
          "type": ["string", "number"], "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
          "maxLength": JSON(PipelineDocument.nameLimit),
        ],
        "params": [
          "description": "Values that the nodes use as ${name}", "type": ["object", "null"],
          "propertyNames": ["pattern": JSON(Self.namePattern)],
          "additionalProperties": [
            "anyOf": [
              ["$ref": "#/$defs/scalar"], ["type": "array", "items": ["$ref": "#/$defs/scalar"]],
            ]
          ],
        ],
        "matrix": Self.matrix,
        "extends": [
          "description": "A file that this one changes: what is said here holds, `null` takes away, the rest stays",
          "type": ["string", "null"], "minLength": 1,
        ],
        "include": [
          "description": "Files whose params, nodes and groups stand beside those of this one",
          "anyOf": [
            ["type": ["string", "null"], "minLength": 1],
            ["type": "array", "items": ["type": "string", "minLength": 1]],
          ],
        ],
        "groups": [
          "description": "Nodes that stand together wherever a node says `group: NAME`", "type": ["object", "null"],
        ],
        "nodes": ["description": "The steps, by name", "type": ["object", "null"]],
        "outputs": [
          "description": "The nodes whose results are wanted; left out, all that no other node takes",
          "anyOf": [Self.node, ["type": "array", "minItems": 1, "items": Self.node]],
        ],
        "cache": [
          "description": "Caches beside the store, in the order in which they are asked; they decide no result",
          "anyOf": [Self.cache, ["type": "array", "items": Self.cache], ["type": "null"]],
        ],
      ],
      "additionalProperties": false,
      "allOf": Self.building,
      "$defs": JSON(definitions),
    ]
  }

  /// What has to be there: less in a file that builds on others.
  private static let building: JSON = {
    let names: JSON = ["propertyNames": ["pattern": JSON(namePattern)]]
    func all(_ values: String) -> JSON {
      [
        "propertyNames": ["pattern": JSON(namePattern)], "additionalProperties": ["$ref": JSON("#/$defs/\(values)")],
      ]
    }
    return [
      [
        "if": ["required": ["extends"], "properties": ["extends": ["type": "string"]]],
        "then": ["properties": ["nodes": names, "groups": names]],
        "else": [
          "required": ["pipeline"], "properties": ["nodes": all("step"), "groups": all("group")],
          "if": ["required": ["include"]],
          "else": ["required": ["nodes"], "properties": ["nodes": ["type": "object", "minProperties": 1]]],
        ],
      ]
    ]
  }()

  /// A node or a group of nodes, and what a group is.
  private static let groups: [(key: String, value: JSON)] = {
    let values: JSON = ["anyOf": [["$ref": "#/$defs/scalar"], ["type": "array", "items": ["$ref": "#/$defs/scalar"]]]]
    return [
      (
        "step",
        [
          "if": ["type": "object", "required": ["group"]],
          "then": [
            "properties": ["group": ["description": "The group that stands here", "type": "string", "minLength": 1]],
            "additionalProperties": values,
          ],
          "else": ["$ref": "#/$defs/node"],
        ]
      ),
      (
        "group",
        [
          "type": "object", "required": ["nodes"], "additionalProperties": false,
          "properties": [
            "pipeline": ["description": "The name of a pipeline whose file is used as a group"],
            "params": [
              "description": "What may be given to the group; `null` has to be", "type": ["object", "null"],
              "propertyNames": ["pattern": JSON(namePattern)], "additionalProperties": values,
            ],
            "nodes": [
              "description": "The steps, by name", "type": "object", "minProperties": 1,
              "propertyNames": ["pattern": JSON(namePattern)], "additionalProperties": ["$ref": "#/$defs/step"],
            ],
            "outputs": [
              "description": "What the group's name means to others",
              "anyOf": [node, ["type": "array", "minItems": 1, "items": node]],
            ],
          ],
        ]
      ),
    ]
  }()

  /// What stands at `matrix`.
  private static let matrix: JSON = {
    let values: JSON = ["anyOf": [["$ref": "#/$defs/scalar"], ["type": "array", "items": ["$ref": "#/$defs/scalar"]]]]
    let row: JSON = ["type": "object", "minProperties": 1, "additionalProperties": values]
    let properties: JSON = [
      "grid": [
        "description": "Lists of values of params, all combined with each other", "type": "object", "minProperties": 1,
        "additionalProperties": ["type": "array", "minItems": 1, "items": values],
      ],
      "list": ["description": "Rows of values of params", "type": "array", "minItems": 1, "items": row],
      "seeds": [
        "description": "How many values the param `seed` takes from 1 on, or which",
        "anyOf": [
          ["type": "integer", "minimum": 1, "maximum": JSON(Matrix.limit)],
          ["type": "array", "minItems": 1, "items": ["$ref": "#/$defs/scalar"]],
        ],
      ],
      "except": ["description": "Members that are left out", "type": "array", "items": row],
    ]
    return [
      "description": "Values that some params take, one after the other; each combination is a member",
      "type": ["object", "null"], "minProperties": 1, "additionalProperties": false, "properties": properties,
    ]
  }()

  /// A cache: a folder or an address, only read behind `ro:`, or a map that says more.
  private var cache: JSON {
    let fields = CacheSettings.fields.map(\.description)
    return [
      "anyOf": [
        ["type": ["string", "number"], "pattern": JSON(CacheSettings.pattern)],
        ClosedObject(fields.map(Self.member), deciders: fields, param: Self.param).json(),
      ]
    ]
  }

  private func branch(_ type: AnyNodeType) -> JSON {
    let ports = type.inputs.map { port -> SchemaMember in
      var forms = [Self.node]
      if port.isNamed {
        forms = [
          ["type": "object", "propertyNames": ["pattern": JSON(Self.namePattern)], "additionalProperties": Self.node]
        ]
      }
      if port.isList { forms.append(["type": "array", "minItems": 1, "items": Self.node]) }
      if port.isOptional { forms.append(["type": "null"]) }
      return SchemaMember(
        name: port.name, condition: port.condition, doc: "\(port.doc) (takes \(port.takenWords))",
        schema: forms.count == 1 ? forms[0] : ["anyOf": .array(forms)], isRequired: !port.isOptional,
        takesNull: port.isOptional)
    }
    let members = ports + (type.fields + type.settings).map(Self.member)
    return ClosedObject(members, deciders: type.fields, param: Self.param).json(
      [("description", JSON(type.summary))], first: ("type", ["const": JSON(type.name)]))
  }

  private static func member(_ field: FieldDescription) -> SchemaMember {
    var forms = self.forms(field.kind)
    if field.takesNull { forms.append(["type": "null"]) }
    var members: [(key: String, value: JSON)] = []
    if let value = field.defaultValue { members.append(("default", plain(value))) }
    if forms.count == 1, let only = forms[0].object {
      members += only.members
    } else {
      members.append(("anyOf", .array(forms)))
    }
    return SchemaMember(
      name: field.name, condition: field.condition, doc: field.doc + (field.unit.map { " (\($0))" } ?? ""),
      schema: JSON(members), isRequired: field.isRequired, takesNull: field.takesNull)
  }

  /// What a value of a kind may look like to a tool that reads YAML's core schema by itself.
  private static func forms(_ kind: FieldKind) -> [JSON] {
    switch kind {
    case .bool: return [["type": "boolean"], param]
    case .integer(let range): return [number("integer", range), param]
    case .number(let range): return [number("number", range), param]
    // Unquoted text may look like a number or truth value to other tools; for a text field it is text.
    case .text: return [["type": ["string", "number", "boolean"]]]
    case .formed(_, let pattern): return [["type": "string", "pattern": JSON(pattern)], param]
    case .path: return [["type": ["string", "number", "boolean"], "pattern": "^(?!~(/|$))(?!.*://)."]]
    case .choice(let names): return [["enum": .array(names.map { JSON($0) })], param]
    case .duration: return measure("[smhd]")
    case .byteCount: return measure("([KMGT]i?)?B")
    case .list(let element):
      let items = forms(element)
      return items + [["type": "array", "items": items.count == 1 ? items[0] : ["anyOf": .array(items)]]]
    case .group(let fields): return [ClosedObject(fields.map(member), deciders: fields, param: param).json()]
    case .map(let element): return [["type": "object", "additionalProperties": any(forms(element))]]
    case .named(let element):
      return [
        [
          "type": "object", "propertyNames": ["pattern": JSON(namePattern)],
          "additionalProperties": any(forms(element)),
        ]
      ]
    }
  }

  private static func any(_ forms: [JSON]) -> JSON { forms.count == 1 ? forms[0] : ["anyOf": .array(forms)] }

  private static func measure(_ units: String) -> [JSON] {
    [
      ["type": "number", "exclusiveMinimum": 0],
      ["type": "string", "pattern": JSON("^[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)? *(\(units))?$")], param,
    ]
  }

  private static func number(_ type: String, _ range: NumberRange?) -> JSON {
    var members: [(key: String, value: JSON)] = [("type", JSON(type))]
    if let lower = range?.lower {
      members.append((range?.excludesLower == true ? "exclusiveMinimum" : "minimum", plain(lower.canonical)))
    }
    if let upper = range?.upper {
      members.append((range?.excludesUpper == true ? "exclusiveMaximum" : "maximum", plain(upper.canonical)))
    }
    return JSON(members)
  }

  /// A value as JSON for people and other programs, without the marks of ``CanonicalValue/json``.
  static func plain(_ value: CanonicalValue) -> JSON {
    switch value {
    case .list(let values): .array(values.map(plain))
    case .map(let members):
      JSON(
        members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
          (key: $0.key, value: plain($0.value))
        })
    case .digest(let digest): JSON(digest.hex)
    default: value.json
    }
  }
}
