import Diagnostics
import Pipeline

/// Models, tokenizers and adapters.
extension Expansion {
  /// The tokenizer and the model that the file is about, with the adapters that it merges; gives the node of the model.
  ///
  /// - Parameter keepsLast: Whether the last adapter stays an adapter, to be trained further or exported by itself.
  func addModel(keepsLast: Bool) -> String {
    let path = found("model_name_or_path", kind: "model")
    addTokenizer(path, "model_name_or_path")
    addLoad(Self.base, path, "model_name_or_path", bits: "quantization_bit")
    let adapters = adapterPaths("adapter_name_or_path")
    return addAdapters(adapters, "adapter_name_or_path", to: Self.base, keepsLast: keepsLast)
  }

  /// A node that loads a model.
  private func addLoad(_ name: String, _ path: LocatedValue, _ key: String, bits: String) {
    var load = node(name, "load_model", at: key)
    load.set("from", path, key)
    setCompute(&load)
    setWeights(&load, bits: bits)
    sketch.nodes.append(load)
  }

  private func setCompute(_ load: inout Sketch.Node) {
    let key = ["bf16", "pure_bf16", "fp16"].first { arguments.bool($0) }
    guard arguments.bool("do_train") || key != nil else {
      return load.set("compute", text: "auto", at: arguments.located("bf16"))
    }
    load.set(
      "compute", text: key == nil ? "f32" : "auto", at: arguments.located(key ?? "bf16"),
      key.map { "\($0): the fastest of bf16, int16 and f32 that this CPU has" } ?? "neither bf16 nor fp16")
  }

  private func setWeights(_ load: inout Sketch.Node, bits key: String) {
    let method = arguments.text("quantization_method") ?? "bnb"
    let type = arguments.text("quantization_type")
    guard arguments.isGiven(key), let bits = arguments.integer(key) else { return }
    if !["bnb", "hqq", "eetq"].contains(method) {
      return refuse(
        "quantization_method", "it names what files of such a base hold, and those are not read",
        try: "take the base without it, and `quantization_method: bnb`")
    }
    switch bits {
    case 8: load.set("weights", text: "int8", at: arguments.located(key), key)
    case 4:
      if type == "fp4" {
        return refuse(
          "quantization_type", "frozen weights of 4 bits are stored as `nf4`", try: "`quantization_type: nf4`")
      }
      load.set(
        "weights", text: "nf4", at: arguments.located(key),
        method == "bnb" ? key : "\(key): nf4, where \(method) would round otherwise")
    default:
      refuse(key, "frozen weights are held in 4 bits (`nf4`) or 8 (`int8`)", try: "`\(key): 4` or `8`")
    }
  }

  // MARK: Adapters

  private func adapterPaths(_ key: String) -> [LocatedValue] {
    let folder = arguments.text("adapter_folder")
    return arguments.names(key).map { value in
      let found = found(value, key, kind: "adapter")
      guard let folder, let text = found.scalarText, !found.isBroken else { return found }
      return found.with(text: "\(text)/\(folder)")
    }
  }

  /// Adapters beside a model, one after the other: all but the last are merged, or all.
  private func addAdapters(_ paths: [LocatedValue], _ key: String, to model: String, keepsLast: Bool) -> String {
    var model = model
    for (index, path) in paths.enumerated() {
      let suffix = paths.count > 1 ? "_\(index + 1)" : ""
      let prefix = model == Self.base || index > 0 || key == "adapter_name_or_path" ? "" : "\(model)_"
      var attach = node("\(prefix)adapter\(suffix)", "attach_adapter", at: key)
      attach.connect("model", model)
      attach.set("from", path, key)
      sketch.nodes.append(attach)
      model = attach.name
      guard index < paths.count - 1 || !keepsLast else { break }
      var merge = node("\(prefix)merged\(suffix)", "merge", at: key)
      merge.connect("model", model)
      sketch.nodes.append(merge)
      model = merge.name
    }
    return model
  }

  /// The model that a preference is measured against, where LLaMA-Factory has another than the model as it comes in.
  func addReference() -> String? {
    if arguments.isGiven("ref_model") {
      addLoad("reference", found("ref_model", kind: "model"), "ref_model", bits: "ref_model_quantization_bit")
      let adapters = adapterPaths("ref_model_adapters")
      return addAdapters(adapters, "ref_model_adapters", to: "reference", keepsLast: false)
    }
    // A LoRA that goes on is compared with the model without it.
    let adapters = arguments.names("adapter_name_or_path")
    guard arguments.text("finetuning_type") == "lora", !adapters.isEmpty, !arguments.bool("create_new_adapter") else {
      return nil
    }
    arguments.note(
      "adapter_name_or_path",
      "the reference is the model without the adapter, as in LLaMA-Factory; with `create_new_adapter: true` it is the model with it"
    )
    return adapters.count == 1 ? Self.base : "merged_\(adapters.count - 1)"
  }

  /// The model, its adapter and how it is asked.
  func chatRequest() -> ChatRequest {
    let model = found("model_name_or_path", kind: "model").scalarText ?? ""
    let adapters = adapterPaths("adapter_name_or_path").compactMap(\.scalarText)
    if adapters.count > 1 {
      refuse("adapter_name_or_path", "a conversation is with one adapter", try: "merge them first: `export_dir`")
    }
    let samples = arguments.bool("do_sample")
    return ChatRequest(
      model: model, adapter: adapters.first, system: arguments.text("default_system"), template: templateFile,
      temperature: samples ? arguments.number("temperature") ?? 0 : 0,
      topK: samples ? arguments.integer("top_k").flatMap { $0 > 0 ? $0 : nil } : nil,
      topP: samples ? arguments.number("top_p") : nil,
      repetitionPenalty: arguments.number("repetition_penalty") ?? 1,
      maximumTokens: arguments.integer("max_new_tokens") ?? 1024)
  }

  // MARK: What is trained

  /// The model with what is trained beside it; gives its node.
  func addTrainable() -> String {
    let method = arguments.text("finetuning_type") ?? "lora"
    let isFresh = arguments.bool("create_new_adapter") || !arguments.isGiven("adapter_name_or_path")
    if arguments.isGiven("adapter_name_or_path"), method != "lora" {
      refuse(
        "adapter_name_or_path", "adapters are trained further with `finetuning_type: lora` alone, as in LLaMA-Factory")
    }
    let isAdapter = method == "lora" || method == "oft"
    if !isAdapter, arguments.isGiven("quantization_bit") {
      report(
        .together(
          "quantization_bit", "finetuning_type: \(method)", reason: "weights that are rounded stay as they are"),
        at: arguments.located("quantization_bit"), "quantization_bit")
    }
    let model = addModel(keepsLast: !isFresh && isAdapter)
    guard isAdapter, isFresh else {
      if isAdapter { noteContinued() }
      return model
    }
    var adapter = node("adapter", "attach_adapter", at: "finetuning_type")
    if sketch.nodes.contains(where: { $0.name == adapter.name }) { adapter.name = "fresh_adapter" }
    adapter.connect("model", model)
    adapter.set("method", from: "finetuning_type", of: arguments)
    if method == "lora" { setLoRA(&adapter) } else { setOFT(&adapter) }
    let modules = arguments.names("additional_target")
    if !modules.isEmpty {
      adapter.set("train_modules", arguments.located("additional_target").with(list: modules), "additional_target")
    }
    adapter.set("seed", from: "seed", of: arguments)
    sketch.nodes.append(adapter)
    return adapter.name
  }

  private func noteContinued() {
    for key in ["lora_rank", "lora_alpha", "lora_target", "lora_dropout", "use_rslora", "use_dora", "pissa_init"]
    where arguments.isGiven(key) {
      arguments.note(key, "the adapter that is trained further keeps its own, as in LLaMA-Factory")
    }
  }

  private func setLoRA(_ adapter: inout Sketch.Node) {
    adapter.set("rank", from: "lora_rank", of: arguments)
    if arguments.isGiven("lora_alpha") {
      adapter.set("alpha", from: "lora_alpha", of: arguments)
    } else if let rank = arguments.integer("lora_rank"), rank < 1 << 40 {
      adapter.set("alpha", text: "\(2 * rank)", at: arguments.located("lora_rank"), "twice lora_rank")
    }
    adapter.set("dropout", from: "lora_dropout", of: arguments)
    if !setBlocks(&adapter) { setTargets(&adapter, "lora_target") }
    for (field, key) in [("rslora", "use_rslora"), ("dora", "use_dora")] where arguments.bool(key) {
      adapter.set(field, from: key, of: arguments)
    }
    guard arguments.bool("pissa_init") else { return }
    if arguments.isGiven("quantization_bit") {
      report(
        .together("pissa_init", "quantization_bit", reason: "it takes a part out of weights that are rounded"),
        at: arguments.located("pissa_init"), "pissa_init")
    }
    adapter.set("init", text: "pissa", at: arguments.located("pissa_init"), "pissa_init")
  }

  private func setOFT(_ adapter: inout Sketch.Node) {
    adapter.set("block_size", from: "oft_block_size", of: arguments)
    setTargets(&adapter, "oft_target")
  }

  private func setTargets(_ adapter: inout Sketch.Node, _ key: String) {
    let names = arguments.names(key).map { $0.scalarText == "all" ? $0.with(text: "all_linear") : $0 }
    let origin = arguments.isGiven(key) ? key : "\(key), LLaMA-Factory's default"
    adapter.set("targets", arguments.located(key).with(list: names), origin)
  }

  /// LLaMA-Pro's blocks for an adapter; whether there are any.
  private func setBlocks(_ adapter: inout Sketch.Node) -> Bool {
    guard arguments.bool("use_llama_pro") else { return false }
    setTargets(&adapter, "lora_target")
    let inserted = arguments.integer("freeze_trainable_layers") ?? 0
    guard let blocks = blocksOfModel() else {
      refuse(
        "use_llama_pro", "how many blocks the model has is not known, and so is not which are new",
        try: "name a model whose `config.json` has `num_hidden_layers`")
      return true
    }
    guard inserted > 0, blocks % inserted == 0 else {
      refuse(
        "freeze_trainable_layers", "it says how many blocks were inserted, and the model has \(blocks)",
        try: "a number that divides \(blocks)")
      return true
    }
    let stride = blocks / inserted
    let value = arguments.located("use_llama_pro")
    let layers = (1...inserted).map { value.with(text: "\($0 * stride - 1)") }
    adapter.set("layers", value.with(list: layers), "use_llama_pro, freeze_trainable_layers")
    return true
  }

  /// `num_hidden_layers` of the model's `config.json`.
  private func blocksOfModel() -> Int? {
    sketch.nodes.first { $0.name == Self.base }?.fields.first?.value.scalarText
      .flatMap { Self.configured("num_hidden_layers", in: $0) }
  }
}
