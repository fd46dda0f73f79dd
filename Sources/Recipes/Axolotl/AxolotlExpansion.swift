import Diagnostics
import Pipeline

/// A configuration of Axolotl's on its way to a pipeline.
///
/// The files of the folder `Parts` add to it, each what one part of the keys asks for.
final class AxolotlExpansion: ForeignExpander {
  static let training = "train"

  /// What is learned, by the name of `train.stage`; nil for what is refused.
  private(set) var stage = "sft"

  override var modelPlaces: (revision: String, others: [String]) { (arguments.text("model_revision") ?? "main", []) }

  override func setWarmup(_ train: inout Sketch.Node, _ schedule: ScheduleName, _ name: String) {
    if arguments.isGiven("warmup_steps") || arguments.isGiven("warmup_ratio") {
      return setGivenWarmup(&train, schedule, name)
    }
    guard schedule.warms else { return }
    train.set(
      "schedule.warmup_ratio", text: "0.03", at: arguments.located("warmup_ratio"),
      "Axolotl's default, which takes no more than 100 steps there")
  }

  /// The pipeline in ``sketch``, what is wrong in ``problems``.
  func build() {
    guard chooseStage() else { return }
    checkPlugins()
    checkTokens()
    let model = addModel()
    let tokens = addData()
    addTraining(model, tokens)
  }

  // MARK: Stage

  private func chooseStage() -> Bool {
    if arguments.isGiven("rl"), let method = arguments.text("rl") {
      switch method {
      case "dpo", "ipo": stage = "dpo"
      case "kto", "orpo", "simpo": stage = method
      default:
        refuse(
          "rl",
          method == "ebft"
            ? "energy-based fine-tuning is not there"
            : "its rewards are functions of Python's, and rewards here are declared, or programs that are asked",
          try: method == "ebft" ? "another method" : "`recipe: grpo` with `rewards:`; docs/rewards.md")
        return false
      }
      if arguments.bool("reward_model") {
        refuse("reward_model", with: "rl", "one learns to prefer, the other to score")
      }
    } else if arguments.bool("reward_model") {
      stage = "rm"
    } else if arguments.isGiven("pretraining_dataset") {
      stage = "pt"
    }
    return true
  }

  /// The key that says what is learned.
  var stageKey: String {
    switch stage {
    case "rm": "reward_model"
    case "pt": "pretraining_dataset"
    case "sft": "datasets"
    default: "rl"
    }
  }

  // MARK: Plug-ins

  private static let idlePlugins = ["liger", "cut_cross_entropy", "kernels", "swanlab", "spectrum"]

  private func checkPlugins() {
    guard case .list(let items) = arguments.located("plugins").content, arguments.isGiven("plugins") else { return }
    for item in items {
      guard let name = item.scalarText else { continue }
      if Self.idlePlugins.contains(where: { name.contains(".\($0).") || name == $0 }) { continue }
      report(
        .refused(
          "plugins", name, reason: "no code of others is run, and what this plug-in does is not there",
          advice: "leave it out; a node of type `exec` runs programs of one's own"), at: item, "plugins")
    }
  }

  /// Whether a plug-in that decides something is named.
  func hasPlugin(_ name: String) -> Bool {
    guard arguments.isGiven("plugins"), case .list(let items) = arguments.located("plugins").content else {
      return false
    }
    return items.contains { $0.scalarText?.contains(".\(name).") == true }
  }

  // MARK: Special tokens

  /// Marks that the file names have to be the tokenizer's own: nothing changes a tokenizer.
  private func checkTokens() {
    for name in ["bos_token", "eos_token", "unk_token"] {
      let key = "special_tokens.\(name)"
      guard arguments.isGiven(key), let wanted = arguments.text(key), let folder = arguments.text("base_model") else {
        continue
      }
      guard let own = Self.ownToken(name, in: folder) else {
        arguments.note(key, "the tokenizer's own holds")
        continue
      }
      if own != wanted {
        refuse(
          key, "the tokenizer's own is `\(own)`, and nothing changes a tokenizer",
          try: "leave it out, or change `tokenizer_config.json` in a copy of the folder")
      }
    }
  }

  private static func ownToken(_ name: String, in folder: String) -> String? {
    guard let text = try? YAMLText(path: "\(folder)/tokenizer_config.json") else { return nil }
    return text.tree[name].flatMap { $0.scalarText ?? $0["content"]?.scalarText }
  }
}
