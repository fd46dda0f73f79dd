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
    /// All fields, with a value in every group on the path.
    var base: JSONObject
  }

  static func leaves(_ fields: [FieldDescription], in base: JSONObject) -> [Leaf] {
    fields.flatMap { leaves($0, path: [], role: .result, base) }
  }

  private static func leaves(_ field: FieldDescription, path: [String], role: FieldRole, _ base: JSONObject) -> [Leaf] {
    let path = path + [field.name]
    let role = role == .result ? field.role : role
    guard case .group(let inner) = field.kind else { return [Leaf(path: path, field: field, role: role, base: base)] }
    var base = base
    if get(path, base)?.isNull != false { set(path, sample(field.kind), in: &base) }
    return inner.flatMap { leaves($0, path: path, role: role, base) }
  }

  /// All fields with the leaf's value replaced by another one, for a choice by each of the others.
  static func changes(_ leaf: Leaf) -> [JSONObject] {
    guard let old = get(leaf.path, leaf.base) else { return [] }
    let values: [JSON] =
      if case .choice(let names) = leaf.field.kind { names.map { JSON($0) } } else {
        [value(leaf.field.kind, otherThan: old)]
      }
    return values.filter { $0 != old }.map { new in
      var changed = leaf.base
      set(leaf.path, new, in: &changed)
      return changed
    }
  }

  private static func get(_ path: [String], _ object: JSONObject) -> JSON? {
    path.reduce(JSON?.some(.object(object))) { value, key in value?[key] }
  }

  private static func set(_ path: [String], _ value: JSON, in object: inout JSONObject) {
    guard let first = path.first else { return }
    if path.count == 1 {
      object[first] = value
    } else {
      var inner = object[first]?.object ?? JSONObject()
      set(Array(path.dropFirst()), value, in: &inner)
      object[first] = .object(inner)
    }
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
    case .text, .path: return first(["sample", "other"], otherThan: old)
    case .choice(let names): return first(names.map { JSON($0) }, otherThan: old)
    case .duration: return first([60.0, 90.0], otherThan: old)
    case .byteCount: return first([1024, 4096], otherThan: old)
    case .list(let element):
      return .array((old.array ?? []) + [value(element, otherThan: old.array?.last ?? .null)])
    case .group(let fields):
      return JSON(
        fields.map { field in
          let plain = field.defaultValue.map(json)
          return (key: field.name, value: plain ?? (field.isRequired ? sample(field.kind) : .null))
        })
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
