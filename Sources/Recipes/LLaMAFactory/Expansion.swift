import Diagnostics
import Pipeline

/// A LLaMA-Factory file on its way to a pipeline.
///
/// The files of the folder `Parts` add to it, each what one part of the keys asks for.
final class Expansion {
  let arguments: Arguments
  let hub: HubCache
  var sketch: Sketch
  var problems: [Diagnostic] = []
  let stage: Stage

  /// LLaMA-Factory's stages, with those that it calls losses of `dpo`.
  enum Stage: String {
    case pt
    case sft
    case rm
    case dpo
    case orpo
    case simpo
    case kto
    case ppo
  }

  init(_ arguments: Arguments, hub: HubCache, name: LocatedValue) {
    self.arguments = arguments
    self.hub = hub
    sketch = Sketch(name: name, source: arguments.file.source)
    let stage = arguments.text("stage") ?? ""
    let loss = stage == "dpo" ? arguments.text("pref_loss") : nil
    self.stage = Stage(rawValue: ["orpo", "simpo"].contains(loss) ? loss ?? "" : stage) ?? .sft
  }

  func report(_ problem: LLaMAFactoryProblem, at value: LocatedValue, _ path: String?) {
    problems.append(problem.diagnostic(at: value, path: path))
  }

  /// Reports that a key's value cannot be honoured.
  func refuse(_ key: String, _ reason: String, try advice: String? = "leave it out") {
    let value = arguments.located(key)
    report(.refused(key, value.writtenText, reason: reason, advice: advice), at: value, key)
  }

  /// Begins a node at the place of the key that asks for it.
  func node(_ name: String, _ type: String, at key: String) -> Sketch.Node {
    Sketch.Node(name: name, type: type, mark: arguments.located(key).mark)
  }
}

extension Sketch.Node {
  /// Sets a field to a key's value, or its default.
  mutating func set(_ field: String, from key: String, of arguments: Arguments, _ note: String? = nil) {
    guard !arguments.isBroken(key) else { return set(field, arguments.located(key)) }
    var value = arguments.located(key)
    let isGiven = arguments.isGiven(key)
    if case .scalar(let scalar) = value.content, ArgumentTable.byName[key]?.kind == .bool,
      let bool = YAMLBool.read(scalar)
    {
      value = value.with(text: bool ? "true" : "false")
    }
    let origin = isGiven ? key : "\(key), LLaMA-Factory's default"
    set(field, value, note.map { "\(origin): \($0)" } ?? origin)
  }

  /// Sets a field to what several keys make together, or one that is none of the file's.
  mutating func set(_ field: String, text: String, at value: LocatedValue, _ comment: String? = nil) {
    set(field, value.with(text: text), comment)
  }
}
