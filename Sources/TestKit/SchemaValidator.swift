import Foundation
import PreciseJSON

/// Says whether a value passes a JSON Schema (draft 2020-12), by the keywords that `anneal schema` writes.
///
/// Tests hold its verdicts against those of Python's `jsonschema`, so that they need no Python themselves. A keyword that it
/// does not know is an error: nothing of a schema is passed over.
package struct SchemaValidator {
  /// A schema says something that the validator does not know.
  package struct UnknownKeyword: Error {
    package var keyword: String
  }

  private let root: JSON
  private let definitions: [String: JSON]

  package init(_ schema: JSON) {
    root = schema
    let members = schema["$defs"]?.object?.members ?? []
    definitions = Dictionary(uniqueKeysWithValues: members.map { ("#/$defs/" + $0.key, $0.value) })
  }

  package func passes(_ value: JSON) throws -> Bool { try passes(value, root) }

  private func passes(_ value: JSON, _ schema: JSON) throws -> Bool {
    if let all = schema.bool { return all }
    for (keyword, rule) in schema.object?.members ?? [] {
      guard try passes(value, keyword, rule, schema) else { return false }
    }
    return true
  }

  private func passes(_ value: JSON, _ keyword: String, _ rule: JSON, _ schema: JSON) throws -> Bool {
    switch keyword {
    case "$schema", "$defs", "title", "description", "default", "then", "else": return true
    case "$ref": return try passes(value, definitions[rule.string ?? ""] ?? false)
    case "allOf": return try (rule.array ?? []).allSatisfy { try passes(value, $0) }
    case "oneOf": return try (rule.array ?? []).count { try passes(value, $0) } == 1
    case "anyOf": return try (rule.array ?? []).contains { try passes(value, $0) }
    case "if":
      let branch = try passes(value, rule) ? "then" : "else"
      return try schema[branch].map { try passes(value, $0) } ?? true
    case "type": return (rule.array ?? [rule]).contains { Self.isOf($0.string ?? "", value) }
    case "enum": return (rule.array ?? []).contains(value)
    case "const": return rule == value
    default: break
    }
    switch value {
    case .string(let text): return try Self.passes(text, keyword, rule)
    case .number: return try Self.passes(value.double ?? .nan, keyword, rule)
    case .array(let items): return try passes(items, keyword, rule)
    case .object(let object): return try passes(object, keyword, rule, schema)
    case .null, .bool: return try Self.isKnown(keyword)
    }
  }

  private static func isOf(_ type: String, _ value: JSON) -> Bool {
    switch (type, value) {
    case ("null", .null), ("boolean", .bool), ("string", .string), ("number", .number), ("array", .array),
      ("object", .object):
      true
    case ("integer", .number): value.double.map { $0 == $0.rounded() } ?? false
    default: false
    }
  }

  private static let keywords: Set = [
    "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "items",
    "minItems", "contains", "properties", "required", "additionalProperties", "propertyNames", "minProperties",
  ]

  /// That a keyword says nothing about values of another type.
  private static func isKnown(_ keyword: String) throws -> Bool {
    guard keywords.contains(keyword) else { throw UnknownKeyword(keyword: keyword) }
    return true
  }

  private static func passes(_ text: String, _ keyword: String, _ rule: JSON) throws -> Bool {
    switch keyword {
    case "pattern":
      let expression = try NSRegularExpression(pattern: rule.string ?? "")
      return expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
    case "minLength": return text.unicodeScalars.count >= rule.int ?? 0
    case "maxLength": return text.unicodeScalars.count <= rule.int ?? .max
    default: return try isKnown(keyword)
    }
  }

  private static func passes(_ number: Double, _ keyword: String, _ rule: JSON) throws -> Bool {
    let bound = rule.double ?? .nan
    switch keyword {
    case "minimum": return number >= bound
    case "maximum": return number <= bound
    case "exclusiveMinimum": return number > bound
    case "exclusiveMaximum": return number < bound
    default: return try isKnown(keyword)
    }
  }

  private func passes(_ items: [JSON], _ keyword: String, _ rule: JSON) throws -> Bool {
    switch keyword {
    case "items": return try items.allSatisfy { try passes($0, rule) }
    case "contains": return try items.contains { try passes($0, rule) }
    case "minItems": return items.count >= rule.int ?? 0
    default: return try Self.isKnown(keyword)
    }
  }

  private func passes(_ object: JSONObject, _ keyword: String, _ rule: JSON, _ schema: JSON) throws -> Bool {
    switch keyword {
    case "properties":
      return try (rule.object?.members ?? []).allSatisfy { name, inner in
        try object[name].map { try passes($0, inner) } ?? true
      }
    case "required": return (rule.array ?? []).allSatisfy { object[$0.string ?? ""] != nil }
    case "additionalProperties":
      return try object.members.allSatisfy { name, inner in
        try schema["properties"]?[name] != nil || passes(inner, rule)
      }
    case "propertyNames": return try object.keys.allSatisfy { try passes(JSON($0), rule) }
    case "minProperties": return object.count >= rule.int ?? 0
    default: return try Self.isKnown(keyword)
    }
  }
}
