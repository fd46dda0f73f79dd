import Diagnostics
import Pipeline

/// A LLaMA-Factory file on its way to a pipeline.
///
/// The files of the folder `Parts` add to it, each what one part of the keys asks for.
final class Expansion: ForeignExpander {
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

  override init(_ arguments: Arguments, hub: HubCache, name: LocatedValue) {
    let stage = arguments.text("stage") ?? ""
    let loss = stage == "dpo" ? arguments.text("pref_loss") : nil
    self.stage = Stage(rawValue: ["orpo", "simpo"].contains(loss) ? loss ?? "" : stage) ?? .sft
    super.init(arguments, hub: hub, name: name)
  }

  override var modelPlaces: (revision: String, others: [String]) {
    (arguments.text("model_revision") ?? "main", [arguments.text("cache_dir")].compactMap { $0 })
  }

  override func setDecay(_ train: inout Sketch.Node) { setThird(&train) }

  func report(_ problem: LLaMAFactoryProblem, at value: LocatedValue, _ path: String?) {
    problems.append(problem.diagnostic(at: value, path: path))
  }
}
