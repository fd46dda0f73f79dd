import Diagnostics
import Pipeline

/// A recipe on its way to a pipeline.
final class FlatExpansion: Expander {
  let registry: NodeRegistry
  private(set) var words: [FlatWord: LocatedValue] = [:]
  private(set) var ports: [String: LocatedValue] = [:]
  private(set) var keys: FlatKeys
  private(set) var fields: [Assignment] = []
  private let entries: [FlatEntry]

  /// A field, and the key that gives it.
  struct Assignment {
    var target: FlatTarget
    var value: LocatedValue
    var key: String
    var isSetting: Bool
    /// Whether other nodes get it as well, and none has to.
    var isShared: Bool
  }

  init(_ entries: [FlatEntry], _ file: YAMLText, hub: HubCache, registry: NodeRegistry) {
    self.registry = registry
    let portNames = Set(FlatKeys.ports(registry).map(\.name))
    for entry in entries {
      if let word = FlatWord(rawValue: entry.key) { words[word] = entry.value }
      if portNames.contains(entry.key) { ports[entry.key] = entry.value }
    }
    self.entries = entries.filter { FlatWord(rawValue: $0.key) == nil && !portNames.contains($0.key) }
    keys = FlatKeys(registry, given: [], fixed: [:], absent: [])
    super.init(Sketch(name: RecipeFile.name(of: file, given: words[.name]), source: file.source), hub: hub)
  }

  func report(_ problem: FlatProblem, at value: LocatedValue, _ path: String?) {
    problems.append(problem.diagnostic(at: value, path: path))
  }

  /// The pipeline in ``sketch``, what is wrong in ``problems``.
  func build() {
    guard let stage = stage() else { return }
    let adapter = adapter()
    resolve(stage, adapter)
    addPipeline(stage, adapter)
    checkNodes(adapter)
  }

  // MARK: Words

  /// The text behind a word; nil where there is none, or something else.
  func text(_ word: FlatWord, example: String) -> LocatedValue? {
    guard let value = words[word] else { return nil }
    guard value.scalarText != nil else {
      report(.wantsText(word.rawValue, found: value.kindWords, example: example), at: value, word.rawValue)
      return nil
    }
    return value
  }

  private func stage() -> LocatedValue? {
    let names = choices(of: "stage", in: "train")
    guard let value = text(.recipe, example: "sft"), let name = value.scalarText else {
      if words[.recipe] == nil {
        report(
          .missing("recipe", reason: "it says what is learned", advice: "`recipe: sft`"),
          at: LocatedValue(.map([]), at: sketch.source.wholeMark), nil)
      }
      return nil
    }
    guard names.contains(name) else {
      report(.unknownRecipe(name, among: names), at: value, "recipe")
      return nil
    }
    return value
  }

  private func choices(of field: String, in type: String) -> [String] {
    guard case .choice(let names)? = registry[type]?.fields.first(where: { $0.name == field })?.kind else { return [] }
    return names
  }

  /// What is trained beside the model.
  enum Adapter {
    case none(LocatedValue)
    case fresh(method: LocatedValue?)
    case folder(LocatedValue)

    var isNone: Bool { if case .none = self { true } else { false } }
  }

  private func adapter() -> Adapter {
    guard let value = text(.adapter, example: "lora"), let name = value.scalarText else { return .fresh(method: nil) }
    if name == "none" { return .none(value) }
    let methods = choices(of: "method", in: "attach_adapter")
    if methods.contains(name) { return .fresh(method: value) }
    let (place, isCached) = lookedUpAdapter(value, name)
    if isCached { return .folder(place) }
    report(.unknownAdapter(name, among: methods), at: value, "adapter")
    return .fresh(method: nil)
  }

  /// Whether a text names a folder with an adapter, or one that may yet be made.
  private func lookedUpAdapter(_ value: LocatedValue, _ name: String) -> (LocatedValue, Bool) {
    if (try? pathKind(name)) != nil { return (value, true) }
    guard name.contains("/") else { return (value, false) }
    return (HubCache.isName(name) ? lookedUp(value, "adapter", kind: "adapter").value : value, true)
  }

  // MARK: Fields

  private func resolve(_ stage: LocatedValue, _ adapter: Adapter) {
    var fixed = ["train.stage": stage.text, "evaluate.stage": stage.text]
    switch adapter {
    case .fresh(let method): fixed["adapter.method"] = method?.text ?? "lora"
    case .folder(let folder): fixed["adapter.from"] = folder.text
    case .none: break
    }
    keys = FlatKeys(registry, given: entries, fixed: fixed, absent: adapter.isNone ? ["adapter"] : [])
    let names = FlatKeys.names(registry)
    for entry in entries {
      let place = LocatedValue(.map([]), at: entry.keyMark)
      do {
        let path = entry.key == "tokenizer" ? ["tokenizer", "from"] : entry.path
        let targets = try keys.targets(of: path, key: entry.key)
        for target in targets {
          for (leaf, value, key) in keys.leaves(target, entry.value, key: entry.key) {
            assign(
              Assignment(
                target: leaf, value: value, key: key, isSetting: entry.isSetting, isShared: targets.count > 1))
          }
        }
      } catch FlatMeaningError.several(let meanings) {
        report(.severalMeanings(entry.key, meanings), at: place, entry.key)
      } catch {
        report(.unknownKey(entry.key, among: names), at: place, entry.key)
      }
    }
  }

  /// Takes a field's value; one from the command line goes before the file's.
  private func assign(_ field: Assignment) {
    if let index = fields.firstIndex(where: { $0.target == field.target }) {
      let known = fields[index]
      // What a node's own key says goes before what is said of several nodes.
      if known.isShared != field.isShared {
        if known.isShared { fields[index] = field }
        return
      }
      if field.isSetting, !known.isSetting {
        fields[index] = field
      } else {
        report(.twice(known.key, field.key), at: field.value, field.key)
      }
      return
    }
    fields.append(field)
  }

  /// Whether a field, or one in it, is given.
  func isGiven(_ role: String, _ name: String) -> Bool {
    fields.contains { $0.target.role == role && $0.target.path.first == name }
  }

  /// Reports fields of nodes that this recipe has not.
  private func checkNodes(_ adapter: Adapter) {
    let nodes = Set(sketch.nodes.map(\.name))
    for field in fields where !field.isShared && !nodes.contains(field.target.role) {
      let role = field.target.role
      if role == "rows", nodes.contains("rows_1") { continue }
      let reason =
        switch role {
        case "adapter": "`adapter: none` trains all of the model"
        case "evaluate": "`validation` is not given, so nothing is held out"
        case "merged": "`merge` is not given"
        default: "the recipe makes none"
        }
      report(.noNode(field.key, node: role, reason: reason), at: field.value, field.key)
    }
  }
}
