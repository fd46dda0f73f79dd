import Diagnostics
import Pipeline

/// A file of another program's, whose keys a table names, on its way to a pipeline.
class ForeignExpander: Expander {
  let arguments: Arguments
  /// The keys of maps in lists of the file, such as its datasets.
  var inner: [Arguments] = []

  init(_ arguments: Arguments, hub: HubCache, name: LocatedValue) {
    self.arguments = arguments
    super.init(Sketch(name: name, source: arguments.file.source), hub: hub)
  }

  /// The revision of models in the Hugging Face cache, and the folders that are looked through before it.
  var modelPlaces: (revision: String, others: [String]) { ("main", []) }

  /// Sets the length of the warm-up.
  func setWarmup(_ train: inout Sketch.Node, _ schedule: ScheduleName, _ name: String) {
    setGivenWarmup(&train, schedule, name)
  }

  /// Sets how long `warmup_stable_decay` falls where the file does not say.
  func setDecay(_ train: inout Sketch.Node) {
    refuse(
      "lr_scheduler", "how many steps fall is not said", try: "`lr_scheduler_kwargs: {num_decay_steps: …}`")
  }

  /// Reports that a key's value cannot be honoured.
  func refuse(_ key: String, _ reason: String, try advice: String? = "leave it out") {
    let value = arguments.located(key)
    report(.refused(key, value.writtenText, reason: reason, advice: advice), at: value, key)
  }

  /// Reports that two keys do not go together, at the first one.
  func refuse(_ key: String, with other: String, _ reason: String) {
    report(.together(key, other, reason: reason), at: arguments.located(key), key)
  }

  /// Begins a node at the place of the key that asks for it.
  func node(_ name: String, _ type: String, at key: String) -> Sketch.Node {
    Sketch.Node(name: name, type: type, mark: arguments.located(key).mark)
  }

  /// The path that a key names: as it stands, or where the Hugging Face cache has it.
  func found(_ key: String, kind: String) -> LocatedValue {
    guard arguments.isGiven(key) else {
      report(
        .missing(key, reason: "it says which \(kind) the file is about", advice: "`\(key): FOLDER`"),
        at: arguments.located(key), nil)
      return broken(arguments.located(key))
    }
    return found(arguments.located(key), key, kind: kind)
  }

  func found(_ value: LocatedValue, _ key: String, kind: String) -> LocatedValue {
    let (revision, others) = modelPlaces
    let (place, isCached) = lookedUp(value, key, kind: kind, revision: revision, others: others)
    if isCached, let text = value.scalarText {
      arguments.note(key, "`\(text)` was found in the Hugging Face cache")
    }
    return place
  }
}

extension Sketch.Node {
  /// Sets a field to a key's value, or its default.
  mutating func set(_ field: String, from key: String, of arguments: Arguments, _ note: String? = nil) {
    guard !arguments.isBroken(key) else { return set(field, arguments.located(key)) }
    var value = arguments.located(key)
    let isGiven = arguments.isGiven(key)
    if case .scalar(let scalar) = value.content, arguments.table.byName[key]?.kind == .bool,
      let bool = YAMLBool.read(scalar)
    {
      value = value.with(text: bool ? "true" : "false")
    }
    let origin = isGiven ? key : "\(key), \(arguments.table.program)'s default"
    set(field, value, note.map { "\(origin): \($0)" } ?? origin)
  }

  /// Sets a field to what several keys make together, or one that is none of the file's.
  mutating func set(_ field: String, text: String, at value: LocatedValue, _ comment: String? = nil) {
    set(field, value.with(text: text), comment)
  }
}
