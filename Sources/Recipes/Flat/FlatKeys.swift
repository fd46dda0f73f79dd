import Diagnostics
import Pipeline

/// What the keys of a recipe mean, by the declarations of the nodes that it becomes.
struct FlatKeys {
  let roles: [FlatRole]
  /// Inputs of `train` that a recipe names models or tokenizers for: `reference`, `teacher`.
  let ports: [InputPort]
  /// Texts that conditions of fields compare, by key: what is given, and what the recipe says by words of its own.
  private var texts: [String: [String]]
  /// Nodes that this recipe has not.
  private let absent: Set<String>

  /// - Parameters:
  ///   - given: The entries that are no words of the recipe.
  ///   - fixed: What the recipe's words make of fields: `train.stage`.
  init(_ registry: NodeRegistry, given: [FlatEntry], fixed: [String: String], absent: Set<String>) {
    roles = FlatRole.all(registry)
    ports = Self.ports(registry)
    self.absent = absent
    texts = [:]
    for entry in given { texts[entry.key] = entry.value.conditionTexts }
    for (key, text) in fixed { texts[key] = [text] }
  }

  /// Inputs of `train` that models or tokenizers beside its own stand at, each declaration of a name.
  static func declaredPorts(_ registry: NodeRegistry) -> [InputPort] {
    let own: Set = ["model", "data", "validation", "tokenizer"]
    return (registry["train"]?.inputs ?? []).filter { !$0.types.isEmpty && !own.contains($0.name) }
  }

  /// The same, each name once.
  static func ports(_ registry: NodeRegistry) -> [InputPort] {
    var known: Set<String> = []
    return declaredPorts(registry).filter { known.insert($0.name).inserted }
  }

  /// The node of a name, each set of rows by its number too.
  func role(_ name: String) -> FlatRole? {
    if let role = roles.first(where: { $0.name == name }) { return role }
    guard name.hasPrefix("rows_"), Int(name.dropFirst("rows_".count)) != nil,
      let rows = roles.first(where: { $0.name == "rows" })
    else { return nil }
    return FlatRole(name: name, type: rows.type)
  }

  /// All keys, for nearest names.
  static func names(_ registry: NodeRegistry) -> [String] {
    let fields = FlatRole.all(registry).filter { !FlatRole.namedOnly.contains($0.name) }.flatMap { role in
      role.type.fields.filter { !hidden.contains($0.name) }.flatMap { [$0.name] + members($0).map(\.name) }
    }
    return FlatWord.allCases.map(\.rawValue) + ports(registry).map(\.name) + fields.filter { $0 != "type" }
  }

  /// Fields that the recipe's own words say.
  static let hidden: Set = ["from", "to", "stage", "method", "member"]

  private static func members(_ field: FieldDescription) -> [FieldDescription] {
    field.kind.members.flatMap { $0.prefix == "." ? $0.fields : nil } ?? []
  }

  // MARK: Meaning

  /// The fields that a key means; several only where one thing is meant of several nodes.
  ///
  /// - Throws: ``FlatMeaningError``.
  func targets(of path: [String], key: String) throws -> [FlatTarget] {
    let first = path[0]
    if path.count > 1, let role = role(first) { return [FlatTarget(role: role.name, path: Array(path.dropFirst()))] }
    if FlatRole.shared.contains(first) {
      return roles.filter { role in role.type.fields.contains { $0.name == first && isApplicable($0, role) } }
        .map { FlatTarget(role: $0.name, path: path) }
    }
    let candidates = roles.filter { role in
      !FlatRole.namedOnly.contains(role.name) && !Self.hidden.contains(first)
        && role.type.fields.contains { $0.name == first }
    }
    let fitting = candidates.first { role in
      role.type.fields.contains { $0.name == first && isApplicable($0, role) }
    }
    if let role = fitting ?? candidates.first { return [FlatTarget(role: role.name, path: path)] }
    guard path.count == 1 else { throw FlatMeaningError.unknown }
    return [try member(first)]
  }

  /// The one group whose member a name is.
  private func member(_ name: String) throws -> FlatTarget {
    var fitting: [FlatTarget] = []
    var others: [FlatTarget] = []
    for role in roles where !FlatRole.namedOnly.contains(role.name) && name != "type" {
      for group in role.type.fields {
        for field in Self.members(group) where field.name == name {
          let target = FlatTarget(role: role.name, path: [group.name, name])
          if isApplicable(group, role), isApplicable(field, role, in: group.name) {
            if !fitting.contains(target) { fitting.append(target) }
          } else if !others.contains(target) {
            others.append(target)
          }
        }
      }
    }
    let meanings = fitting.isEmpty ? others : fitting
    if meanings.count > 1 {
      throw FlatMeaningError.several(meanings.map { $0.path.joined(separator: ".") })
    }
    guard let one = meanings.first else { throw FlatMeaningError.unknown }
    return one
  }

  /// Whether a field has an effect, as far as the recipe's texts tell.
  private func isApplicable(_ field: FieldDescription, _ role: FlatRole, in group: String? = nil) -> Bool {
    !absent.contains(role.name) && holds(field.condition, role, in: group)
  }

  /// Whether a condition on fields of a node holds.
  func holds(_ condition: FieldCondition?, _ role: FlatRole, in group: String? = nil) -> Bool {
    condition?.holds { texts(of: $0, role, in: group) } ?? true
  }

  private func texts(of name: String, _ role: FlatRole, in group: String?) -> [String]? {
    let path = [group, name].compactMap { $0 }.joined(separator: ".")
    var keys = ["\(role.name).\(path)", path]
    // A group's type may stand in the group's place.
    if let group, name == "type" { keys += ["\(role.name).\(group)", group] }
    if let known = keys.lazy.compactMap({ texts[$0] }).first(where: { !$0.isEmpty }) { return known }
    let fields = role.type.fields
    let level = group.flatMap { name in fields.first { $0.name == name } }.map(Self.members) ?? fields
    return level.first { $0.name == name }?.defaultValue?.texts
  }

  // MARK: Values

  /// The fields of a group each by itself, and `type` where a text stands for a whole group.
  func leaves(_ target: FlatTarget, _ value: LocatedValue, key: String) -> [(FlatTarget, LocatedValue, String)] {
    guard let field = field(target), !Self.members(field).isEmpty else { return [(target, value, key)] }
    switch value.content {
    case .map(let pairs) where !pairs.isEmpty:
      return pairs.flatMap { pair in
        leaves(
          FlatTarget(role: target.role, path: target.path + [pair.key.text]), pair.value,
          key: "\(key).\(pair.key.text)")
      }
    case .scalar where !value.isNull && Self.members(field).contains { $0.name == "type" }:
      return [(FlatTarget(role: target.role, path: target.path + ["type"]), value, key)]
    default: return [(target, value, key)]
    }
  }

  private func field(_ target: FlatTarget) -> FieldDescription? {
    var level = role(target.role)?.type.fields ?? []
    var found: FieldDescription?
    for name in target.path {
      found = level.first { $0.name == name }
      level = found.map(Self.members) ?? []
    }
    return found
  }
}

/// Why a key of a recipe means no field.
enum FlatMeaningError: Error {
  case unknown
  case several([String])
}

extension LocatedValue {
  /// The texts that conditions compare.
  fileprivate var conditionTexts: [String] {
    switch content {
    case .scalar(let scalar): isNull ? [] : [scalar.text]
    case .list(let items): items.compactMap(\.scalarText)
    case .map: ["{…}"]
    }
  }
}

extension CanonicalValue {
  fileprivate var texts: [String]? {
    switch self {
    case .text(let text): [text]
    case .bool(let value): [value ? "true" : "false"]
    case .list(let values): values.flatMap { $0.texts ?? [] }
    default: []
    }
  }
}
