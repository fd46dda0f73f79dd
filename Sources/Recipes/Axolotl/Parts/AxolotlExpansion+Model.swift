import Diagnostics
import Pipeline

/// The model, its tokenizer, and what of it is trained.
extension AxolotlExpansion {
  /// Adds them; gives the node that is trained.
  func addModel() -> String {
    let path = found("base_model", kind: "model")
    if arguments.isGiven("tokenizer_config") {
      addTokenizer(found("tokenizer_config", kind: "tokenizer"), "tokenizer_config")
    } else {
      addTokenizer(path, "base_model")
    }
    var load = node(Self.base, "load_model", at: "base_model")
    load.set("from", path, "base_model")
    setCompute(&load)
    setWeights(&load)
    sketch.nodes.append(load)
    guard let method = adapterMethod() else { return Self.base }
    var adapter = node("adapter", "attach_adapter", at: method)
    adapter.connect("model", Self.base)
    if arguments.isGiven("lora_model_dir") {
      adapter.set("from", found("lora_model_dir", kind: "adapter"), "lora_model_dir")
      for key in ["lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_linear"]
      where arguments.isGiven(key) {
        arguments.note(key, "the adapter that is trained further keeps its own, as in Axolotl")
      }
    } else {
      adapter.set("method", text: "lora", at: arguments.located("adapter"), "adapter")
      setLoRA(&adapter)
    }
    sketch.nodes.append(adapter)
    return adapter.name
  }

  /// `adapter`, where it names one; what is refused is reported.
  private func adapterMethod() -> String? {
    guard arguments.isGiven("adapter"), let name = arguments.text("adapter") else {
      for key in ["load_in_4bit", "load_in_8bit"] where arguments.bool(key) {
        report(
          .missing("adapter", reason: "weights that are rounded stay as they are", advice: "`adapter: lora`"),
          at: arguments.located(key), key)
      }
      return nil
    }
    guard ["lora", "qlora"].contains(name) else {
      refuse(
        "adapter", "Axolotl's own adapters are `lora` and `qlora`",
        try: "`adapter: lora`, or a recipe: `adapter: \(name)`")
      return nil
    }
    if name == "qlora", !arguments.bool("load_in_4bit") {
      report(
        .missing(
          "load_in_4bit", reason: "`adapter: qlora` holds frozen weights in 4 bits, as in Axolotl",
          advice: "`load_in_4bit: true`, or `adapter: lora`"), at: arguments.located("adapter"), "adapter")
    }
    return "adapter"
  }

  private func setCompute(_ load: inout Sketch.Node) {
    let keys = ["bf16", "fp16", "bfloat16", "float16"]
    let given = keys.filter { arguments.isGiven($0) }
    let isOn = { (key: String) in
      self.arguments.bool(key) || ["auto", "full"].contains(self.arguments.text(key) ?? "")
    }
    if arguments.bool("float32") {
      return load.set("compute", text: "f32", at: arguments.located("float32"), "float32")
    }
    let key = given.first(where: isOn)
    if key == nil, given.contains("bf16") || given.contains("fp16") {
      return load.set("compute", text: "f32", at: arguments.located(given[0]), "neither bf16 nor fp16")
    }
    load.set(
      "compute", text: "auto", at: arguments.located(key ?? "bf16"),
      "\(key ?? "bf16, Axolotl's default"): the fastest of bf16, int16 and f32 that this CPU has")
  }

  private func setWeights(_ load: inout Sketch.Node) {
    if arguments.bool("load_in_4bit"), arguments.bool("load_in_8bit") {
      refuse("load_in_8bit", with: "load_in_4bit", "weights are held in one way")
    } else if arguments.bool("load_in_4bit") {
      load.set("weights", text: "nf4", at: arguments.located("load_in_4bit"), "load_in_4bit")
    } else if arguments.bool("load_in_8bit") {
      load.set("weights", text: "int8", at: arguments.located("load_in_8bit"), "load_in_8bit")
    }
    guard arguments.isGiven("bnb_config_kwargs") else { return }
    if let type = arguments.located("bnb_config_kwargs")["bnb_4bit_quant_type"], type.writtenText != "nf4" {
      report(
        .refused(
          "bnb_4bit_quant_type", type.writtenText, reason: "frozen weights of 4 bits are stored as `nf4`",
          advice: "`nf4`"), at: type, "bnb_config_kwargs.bnb_4bit_quant_type")
    }
  }

  // MARK: LoRA

  private func setLoRA(_ adapter: inout Sketch.Node) {
    for (field, key) in [("rank", "lora_r"), ("alpha", "lora_alpha")] {
      guard arguments.isGiven(key) else {
        report(
          .missing(key, reason: "PEFT has no default that Axolotl would take", advice: "`\(key): 16`"),
          at: arguments.located("adapter"), nil)
        continue
      }
      adapter.set(field, from: key, of: arguments)
    }
    adapter.set("dropout", from: "lora_dropout", of: arguments)
    setTargets(&adapter)
    for (field, key) in [("rslora", "peft_use_rslora"), ("dora", "peft_use_dora")] where arguments.bool(key) {
      adapter.set(field, from: key, of: arguments)
    }
    for (field, key) in [("rank_pattern", "lora_rank_pattern"), ("alpha_pattern", "lora_alpha_pattern")]
    where arguments.isGiven(key) {
      let value = arguments.located(key)
      let items = value.pairs.map { $0.value.with(text: "\($0.key.text)=\($0.value.writtenText)") }
      adapter.set(field, value.with(list: items), key)
    }
    for (field, key) in [
      ("layers", "peft_layers_to_transform"), ("train_modules", "lora_modules_to_save"),
      ("train_tokens", "peft_trainable_token_indices"),
    ] where arguments.isGiven(key) {
      adapter.set(field, arguments.located(key), key)
    }
    setStart(&adapter)
    setSeed(&adapter)
  }

  private func setTargets(_ adapter: inout Sketch.Node) {
    if arguments.bool("lora_target_linear") {
      if arguments.isGiven("lora_target_modules") {
        arguments.note("lora_target_modules", "`lora_target_linear` takes every linear map")
      }
      return adapter.set(
        "targets",
        arguments.located("lora_target_linear").with(list: [
          arguments.located("lora_target_linear").with(text: "all_linear")
        ]), "lora_target_linear")
    }
    guard arguments.isGiven("lora_target_modules") else {
      return report(
        .missing(
          "lora_target_linear", reason: "it says which maps get an adapter",
          advice: "`lora_target_linear: true`, or `lora_target_modules: [q_proj, v_proj]`"),
        at: arguments.located("adapter"), nil)
    }
    let value = arguments.located("lora_target_modules")
    switch value.writtenText {
    case "all-linear", "all_linear":
      adapter.set("targets", value.with(list: [value.with(text: "all_linear")]), "lora_target_modules")
    default:
      // A text is a regular expression, as in PEFT.
      adapter.set(value.scalarText == nil ? "targets" : "target_pattern", value, "lora_target_modules")
    }
  }

  private func setStart(_ adapter: inout Sketch.Node) {
    let wantsLoftQ = arguments.isGiven("peft") && arguments.located("peft")["loftq_config"] != nil
    if wantsLoftQ { adapter.set("init", text: "loftq", at: arguments.located("peft"), "peft.loftq_config") }
    guard arguments.isGiven("peft_init_lora_weights"), let name = arguments.text("peft_init_lora_weights") else {
      return
    }
    let value = arguments.located("peft_init_lora_weights")
    switch name.lowercased() {
    case "true": break
    case "gaussian", "orthogonal", "olora", "pissa", "loftq":
      if !wantsLoftQ { adapter.set("init", text: name.lowercased(), at: value, "peft_init_lora_weights") }
    case let name where name.hasPrefix("pissa_niter_"):
      adapter.set("init", text: "pissa", at: value, "peft_init_lora_weights: singular values are computed exactly")
    default:
      refuse(
        "peft_init_lora_weights", "it wants rows to look at, or no start at all",
        try:
          "`true`, `gaussian`, `orthogonal`, `olora`, `pissa`, or `attach_adapter` with `init` and `data` in a pipeline file"
      )
    }
  }

  /// The seed of a node: the file's, or Axolotl's.
  func setSeed(_ node: inout Sketch.Node) {
    if arguments.isGiven("seed") {
      node.set("seed", from: "seed", of: arguments)
    } else {
      node.set("seed", text: "42", at: arguments.located("seed"), "seed, Axolotl's default")
    }
  }
}
