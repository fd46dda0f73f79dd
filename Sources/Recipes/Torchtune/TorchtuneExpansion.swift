import Datasets
import Diagnostics
import Pipeline

/// A configuration of torchtune's on its way to a pipeline.
final class TorchtuneExpansion: ForeignExpander {
  static let training = "train"

  /// What is learned, by the name of `train.stage`.
  private(set) var stage = "sft"

  /// The pipeline in ``sketch``, what is wrong in ``problems``.
  func build() {
    guard arguments.isGiven("optimizer._component_") || arguments.isGiven("optimizer.lr") else {
      if arguments.problems.isEmpty {
        report(
          .missing("optimizer", reason: "the file trains nothing", advice: "`anneal chat MODEL` talks with a model"),
          at: arguments.file.tree, nil)
      }
      return
    }
    let model = addModel()
    chooseStage()
    let teacher = stage == "distillation" ? addOther("teacher", "teacher_checkpointer.checkpoint_dir") : nil
    let reference =
      stage == "dpo" && arguments.isGiven("ref_checkpointer.checkpoint_dir")
      ? addOther("reference", "ref_checkpointer.checkpoint_dir") : nil
    let tokens = addData()
    addTraining(model, tokens, teacher: teacher, reference: reference)
  }

  /// The last part of a component's name: `AdamW` of `torch.optim.AdamW`.
  func component(_ key: String) -> String? {
    arguments.isGiven(key) ? arguments.text(key)?.split(separator: ".").last.map(String.init) : nil
  }

  private static let crossEntropies: Set = [
    "LinearCrossEntropyLoss", "CEWithChunkedOutputLoss", "CrossEntropyLoss", "ChunkedCrossEntropyLoss",
  ]

  private func chooseStage() {
    if arguments.isGiven("kd_loss._component_") || arguments.isGiven("teacher_checkpointer.checkpoint_dir") {
      stage = "distillation"
      _ = arguments.isGiven("loss._component_")
      return
    }
    guard let loss = component("loss._component_") else { return }
    switch loss {
    case "DPOLoss", "RSOLoss": stage = "dpo"
    case let loss where Self.crossEntropies.contains(loss): stage = isPlainText ? "pt" : "sft"
    default:
      refuse(
        "loss._component_", "it is no loss of supervised fine-tuning or of preferences",
        try: "`torchtune.modules.loss.LinearCrossEntropyLoss`, or `torchtune.rlhf.loss.DPOLoss`")
    }
  }

  /// Whether rows are texts, all of which is learned.
  private var isPlainText: Bool {
    let value = arguments.located("dataset")
    let first = if case .list(let items) = value.content { items.first } else { Optional(value) }
    let name = first?["_component_"]?.scalarText?.split(separator: ".").last.map(String.init) ?? ""
    return TorchtuneDatasets.byName[name]?.rows.format == .text
  }

  // MARK: Models

  private func addModel() -> String {
    let key = "checkpointer.checkpoint_dir"
    if let name = component("checkpointer._component_"), name != "FullModelHFCheckpointer" {
      refuse(
        "checkpointer._component_", "models are read from folders as Hugging Face has them",
        try: "`torchtune.training.FullModelHFCheckpointer` and such a folder")
    }
    if !arguments.located("tokenizer.prompt_template").isNull, arguments.isGiven("tokenizer.prompt_template") {
      refuse("tokenizer.prompt_template", "prompts are laid out by the model's own chat template")
    }
    let path = found(key, kind: "model")
    addTokenizer(path, key)
    addLoad(Self.base, path, key, isRounded: isQuantized)
    let builder = component("model._component_") ?? ""
    guard builder.hasPrefix("lora_") || builder.hasPrefix("qlora_") else { return Self.base }
    var adapter = node("adapter", "attach_adapter", at: "model._component_")
    adapter.connect("model", Self.base)
    adapter.set("method", text: "lora", at: arguments.located("model._component_"), "model: \(builder)")
    setTargets(&adapter)
    for (field, key) in [("rank", "lora_rank"), ("alpha", "lora_alpha"), ("dropout", "lora_dropout")] {
      adapter.set(field, from: "model.\(key)", of: arguments)
    }
    if arguments.bool("model.use_dora") { adapter.set("dora", from: "model.use_dora", of: arguments) }
    setSeed(&adapter)
    sketch.nodes.append(adapter)
    return adapter.name
  }

  private var isQuantized: Bool {
    component("model._component_")?.hasPrefix("qlora_") == true || arguments.bool("model.quantize_base")
  }

  private func addLoad(_ name: String, _ path: LocatedValue, _ key: String, isRounded: Bool) {
    var load = node(name, "load_model", at: key)
    load.set("from", path, key)
    let type = arguments.text("dtype") ?? "bf16"
    load.set(
      "compute", text: ["fp32", "float32"].contains(type) ? "f32" : "auto", at: arguments.located("dtype"),
      "dtype: \(type)")
    if isRounded {
      let key = arguments.bool("model.quantize_base") ? "model.quantize_base" : "model._component_"
      load.set("weights", text: "nf4", at: arguments.located(key), key)
    }
    sketch.nodes.append(load)
  }

  /// Adds a model beside the one that is trained.
  private func addOther(_ name: String, _ key: String) -> String {
    addLoad(name, found(key, kind: "model"), key, isRounded: false)
    return name
  }

  private func setTargets(_ adapter: inout Sketch.Node) {
    let key = "model.lora_attn_modules"
    let value = arguments.located(key)
    let names = ["output_proj": "o_proj"]
    var targets = arguments.names(key).map { name in name.with(text: names[name.writtenText] ?? name.writtenText) }
    if arguments.bool("model.apply_lora_to_mlp") {
      let place = arguments.located("model.apply_lora_to_mlp")
      targets += ["gate_proj", "up_proj", "down_proj"].map { place.with(text: $0) }
    }
    if targets.isEmpty {
      report(
        .missing(key, reason: "it says which maps get an adapter", advice: "`lora_attn_modules: [q_proj, v_proj]`"),
        at: arguments.located("model._component_"), nil)
    }
    adapter.set("targets", value.with(list: targets), "lora_attn_modules, apply_lora_to_mlp")
  }

  /// The seed of a node; torchtune draws one where there is none.
  func setSeed(_ node: inout Sketch.Node) {
    if arguments.isGiven("seed") {
      node.set("seed", from: "seed", of: arguments)
    } else {
      node.set("seed", text: "42", at: arguments.located("seed"), "where torchtune draws one")
    }
  }
}
