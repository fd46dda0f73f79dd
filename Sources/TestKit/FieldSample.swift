import Pipeline
import PreciseJSON

/// Values for fields by their declared kinds.
enum FieldSample {
  /// A field, or a field of a group, at its path.
  struct Leaf {
    var path: [String]
    var field: FieldDescription
    /// The weakest role on the path: a field of a group that is not in the key is not either.
    var role: FieldRole
    /// The fields of its map, itself among them.
    var siblings: [FieldDescription]
    /// All fields that have an effect, with a value in every group on the path; the field has an effect there.
    var base: JSONObject
  }

  /// All fields of a node type, each with values of the others under which it has an effect.
  static func leaves(of type: AnyNodeType) -> [Leaf] {
    leaves(type.fields, path: [], role: .result, type.defaultFields.json.object ?? JSONObject())
  }

  private static func leaves(
    _ fields: [FieldDescription], path: [String], role: FieldRole, _ base: JSONObject
  ) -> [Leaf] {
    fields.flatMap { field -> [Leaf] in
      var base = base
      var own = (path.isEmpty ? base : get(path, base)?.object) ?? JSONObject()
      for term in field.condition?.terms ?? [] { satisfy(term, fields, in: &own) }
      // What decides about others by being there is changed from one value to another.
      if field.kind.isPath, own[field.name]?.isNull == true { own[field.name] = sample(field.kind) }
      own = completed(own, fields)
      let role = role == .result ? field.role : role
      if case .group = field.kind, own[field.name]?.isNull != false { own[field.name] = sample(field.kind) }
      set(path, own, in: &base)
      let leaf = path + [field.name]
      let whole = Leaf(path: leaf, field: field, role: role, siblings: fields, base: base)
      switch field.kind {
      case .group(let inner): return leaves(inner, path: leaf, role: role, base)
      case .list(.group(let inner)):
        own[field.name] = sample(field.kind)
        set(path, own, in: &base)
        return [whole] + leaves(inner, path: leaf + [element], role: role, base)
      default: return [whole]
      }
    }
  }

  /// All fields with the leaf's value replaced by another one, for a choice by each of the others.
  static func changes(_ leaf: Leaf) -> [JSONObject] {
    let path = Array(leaf.path.dropLast())
    guard let old = get(leaf.path, leaf.base), let own = path.isEmpty ? leaf.base : get(path, leaf.base)?.object
    else { return [] }
    let values: [JSON] =
      if case .choice(let names) = leaf.field.kind { names.map { JSON($0) } } else {
        [value(leaf.field.kind, otherThan: old)]
      }
    return values.filter { $0 != old }.map { new in
      var changed = leaf.base
      var own = own
      own[leaf.field.name] = new
      set(path, completed(own, leaf.siblings), in: &changed)
      return changed
    }
  }

  /// The fields that have an effect, those that are missing or nothing with their defaults or some value.
  private static func completed(_ object: JSONObject, _ fields: [FieldDescription]) -> JSONObject {
    var completed = JSONObject()
    for field in fields.sorted(by: { $0.depth < $1.depth })
    where field.condition?.holds({ texts(completed[$0]) }) != false {
      let isShared = fields.count { $0.name == field.name } > 1
      let given = isShared && !fits(object[field.name], field.kind) ? nil : object[field.name]
      completed[field.name] =
        if let given, !(given.isNull && field.isRequired) { given } else {
          field.defaultValue.map(json) ?? (field.isRequired ? sample(field.kind) : .null)
        }
    }
    return completed
  }

  private static func satisfy(
    _ term: FieldCondition.Term, _ fields: [FieldDescription], in object: inout JSONObject
  ) {
    switch term {
    case .absence(let field, _): object[field] = .null
    case .value(let field, let values):
      let kind = fields.first { $0.name == field }?.kind
      let value = kind?.isBool == true ? JSON(values.first == "true") : JSON(values.first ?? "")
      object[field] = if case .list = kind { .array([value]) } else { value }
    }
    object = completed(object, fields)
  }

  /// What conditions see of a value.
  private static func texts(_ value: JSON?) -> [String]? {
    switch value {
    case nil, .null: nil
    case .bool(let value): [value ? "true" : "false"]
    case .array(let values): values.flatMap { texts($0) ?? [] }
    case .some(let value): value.string.map { [$0] } ?? []
    }
  }

  /// Whether a value of another field of the same name may be one of this kind.
  private static func fits(_ value: JSON?, _ kind: FieldKind) -> Bool {
    switch kind {
    case .choice(let names): value?.string.map(names.contains) ?? false
    case .integer, .byteCount: value?.int != nil
    case .number, .duration: value?.double != nil
    case .bool: value?.bool != nil
    case .list: value?.array != nil
    case .group, .map, .named: false
    case .text, .formed, .path: value?.string != nil
    }
  }

  /// The first element of a list, as part of a path.
  private static let element = "[0]"

  private static func get(_ path: [String], _ object: JSONObject) -> JSON? {
    path.reduce(JSON?.some(.object(object))) { value, key in
      key == element ? value?.array?.first : value?[key]
    }
  }

  /// Puts a map in at a path; in place of the whole when there is none.
  private static func set(_ path: [String], _ value: JSONObject, in object: inout JSONObject) {
    guard let first = path.first else {
      object = value
      return
    }
    let isList = path.dropFirst().first == element
    var inner = (isList ? object[first]?.array?.first : object[first])?.object ?? JSONObject()
    set(Array(path.dropFirst(isList ? 2 : 1)), value, in: &inner)
    object[first] = isList ? .array([.object(inner)]) : .object(inner)
  }

  private static func sample(_ kind: FieldKind) -> JSON { value(kind, otherThan: .null) }

  /// A value of a kind that is not `old`.
  static func value(_ kind: FieldKind, otherThan old: JSON) -> JSON {
    switch kind {
    case .bool: return JSON(old.bool != true)
    case .integer(let range):
      let near = old.int.map { [$0 &+ 1, $0 &- 1] } ?? []
      return first(near.map { JSON($0) } + bounds(range) + [1, 0], otherThan: old)
    case .number(let range):
      let ends = [range?.lower, range?.upper].compactMap { bound -> Double? in
        switch bound {
        case .integer(let value): Double(value)
        case .number(let value): value
        case nil: nil
        }
      }
      let middle = ends.count == 2 ? (ends[0] + ends[1]) / 2 : (ends.first ?? 0) + 1
      let third = ends.count == 2 ? ends[0] + (ends[1] - ends[0]) / 3 : middle + 1
      return first([JSON(middle), JSON(third)], otherThan: old)
    case .text, .formed, .path: return first(["sample", "other"], otherThan: old)
    case .choice(let names): return first(names.map { JSON($0) }, otherThan: old)
    case .duration: return first([60.0, 90.0], otherThan: old)
    case .byteCount: return first([1024, 4096], otherThan: old)
    case .list(let element):
      return .array((old.array ?? []) + [value(element, otherThan: old.array?.last ?? .null)])
    case .group(let fields):
      return .object(completed(JSONObject(), fields))
    case .map(let element), .named(let element): return ["name": value(element, otherThan: old["name"] ?? .null)]
    }
  }

  private static func bounds(_ range: NumberRange?) -> [JSON] {
    [range?.lower, range?.upper].compactMap { bound in
      if case .integer(let value)? = bound { JSON(value) } else { nil }
    }
  }

  private static func first(_ candidates: [JSON], otherThan old: JSON) -> JSON {
    candidates.first { $0 != old } ?? old
  }

  private static func json(_ value: CanonicalValue) -> JSON {
    switch value {
    case .map(let members): JSON(members.sorted { $0.key < $1.key }.map { (key: $0.key, value: json($0.value)) })
    case .list(let values): .array(values.map(json))
    default: value.json
    }
  }
}

extension FieldKind {
  var isBool: Bool { if case .bool = self { true } else { false } }

  /// Whether there is nothing to choose, so that the field cannot change a key.
  var hasOneValue: Bool { if case .choice(let names) = self { names.count == 1 } else { false } }

  var isPath: Bool {
    switch self {
    case .path: true
    case .list(let element): element.isPath
    default: false
    }
  }
}
