import Diagnostics
import Pipeline

/// A node of a recipe's pipeline, whose fields are keys of the recipe.
struct FlatRole {
  /// The name of the node, which fields are named by where their own names are taken: `adapter.seed`.
  var name: String
  var type: AnyNodeType

  /// The nodes in the order in which a key is looked for among their fields.
  ///
  /// `adapter` comes before `train`, so that `alpha` is LoRA's, and `base_model` before `rendered`, so that `weights: nf4` holds it so.
  static let order: [(name: String, type: String)] = [
    ("adapter", "attach_adapter"), ("train", "train"), ("base_model", "load_model"), ("tokens", "tokenize"),
    ("rendered", "apply_template"), ("rows", "load_dataset"), ("answers", "predict"), ("evaluate", "evaluate"),
    ("tokenizer", "load_tokenizer"), ("merged", "merge"), ("release", "export"),
  ]

  /// Nodes whose fields need their node's name before them.
  ///
  /// What `evaluate` measures by it has from `train`; of the others a recipe says all there is by keys of its own.
  static let namedOnly: Set = ["evaluate", "tokenizer", "merged", "release"]

  /// Fields that several nodes have and that mean one thing in all of them.
  static let shared: Set = ["seed", "threads"]

  static func all(_ registry: NodeRegistry) -> [FlatRole] {
    order.compactMap { role in registry[role.type].map { FlatRole(name: role.name, type: $0) } }
  }
}

/// Where a key's value goes.
struct FlatTarget: Hashable {
  var role: String
  /// The name of the field, in a group with the group's before it.
  var path: [String]

  var text: String { ([role] + path).joined(separator: ".") }
}

/// A key of a recipe with its value.
struct FlatEntry {
  /// As it is written, with dots for what lies deeper.
  var key: String
  var path: [String]
  var value: LocatedValue
  var keyMark: Mark
  /// Whether it comes from the command line, which goes before the file.
  var isSetting: Bool
}
