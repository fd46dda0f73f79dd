import Diagnostics
import Pipeline

/// The training itself.
extension Expansion {
  static let training = "train"

  /// Adds the training, what measures it and what is taken away.
  func addTraining() {
    guard stage != .ppo else {
      return refuse(
        "stage",
        "a reward model is known here by what a node `train` of `stage: rm` made, and not by a folder",
        try: "write the pipeline by hand: `docs/stages.md` has `stage: ppo` with `reward_model:`")
    }
    let model = addTrainable()
    let tokens = addData(trains: true)
    let reference = stage == .dpo || stage == .kto ? addReference() : nil
    var train = node(Self.training, "train", at: "stage")
    train.mark = arguments.located(arguments.isGiven("stage") ? "stage" : "do_train").mark
    train.set("stage", text: stage.rawValue, at: arguments.located("stage"), stageComment)
    train.connect("model", model)
    train.connect("data", tokens.train ?? "")
    if tokens.train == nil { train.fields[train.fields.count - 1].value.isBroken = true }
    if let reference { train.connect("reference", reference) }
    setEvaluations(&train, tokens)
    setLength(&train)
    setSchedule(&train, "lr_scheduler_type")
    setOptimizer(&train)
    setPart(&train)
    setStage(&train)
    setRun(&train)
    sketch.nodes.append(train)
    sketch.outputs.append("\(Self.training).metrics")
    addEvaluations(of: Self.training, tokens, reference: reference)
    addExport(of: Self.training)
    if arguments.bool("do_predict") || arguments.bool("predict_with_generate") { addAnswers(of: Self.training, tokens) }
  }

  private var stageComment: String {
    stage == .orpo || stage == .simpo ? "stage: dpo with pref_loss: \(stage.rawValue)" : "stage"
  }

  // MARK: Length

  private func setLength(_ train: inout Sketch.Node) {
    if let steps = arguments.integer("max_steps"), steps > 0 {
      train.set("max_steps", from: "max_steps", of: arguments)
    } else {
      train.set("epochs", from: "num_train_epochs", of: arguments)
    }
    let rows = "per_device_train_batch_size"
    let times = "gradient_accumulation_steps"
    if let size = arguments.integer(rows), let count = arguments.integer(times) {
      let (product, overflow) = size.multipliedReportingOverflow(by: count)
      let value = arguments.isGiven(rows) ? arguments.located(rows) : arguments.located(times)
      train.set(
        "batch_size", text: overflow ? "\(size)" : "\(product)", at: value, "\(rows) \(size) × \(times) \(count)")
    }
    train.set("learning_rate", from: "learning_rate", of: arguments)
  }

  // MARK: Schedule

  /// LLaMA-Factory lets a third of the steps after the warm-up stay, and the rest fall.
  func setThird(_ train: inout Sketch.Node) {
    let words = "two thirds of what follows the warm-up, as LLaMA-Factory has it"
    let value = arguments.located("lr_scheduler_type")
    if let warmup = arguments.integer("warmup_steps"), warmup > 0 {
      guard let steps = arguments.integer("max_steps"), steps > warmup else {
        return refuse(
          "warmup_steps",
          "how many steps fall follows from the length in steps, which is not known before rows are read",
          try: "`warmup_ratio`, or `lr_scheduler_kwargs: {num_decay_steps: …}`")
      }
      let rest = steps - warmup
      return train.set("schedule.decay_steps", text: "\(rest - rest / 3)", at: value, words)
    }
    let ratio = min(1, max(0, arguments.number("warmup_ratio") ?? 0))
    train.set("schedule.decay_ratio", text: "\((1 - ratio) * 2 / 3)", at: value, words)
  }

  // MARK: Parts of the model

  private func setPart(_ train: inout Sketch.Node) {
    let method = arguments.text("finetuning_type") ?? "lora"
    if arguments.bool("use_llama_pro"), method == "full" {
      report(
        .together("use_llama_pro", "finetuning_type: full", reason: "it trains the inserted blocks alone"),
        at: arguments.located("use_llama_pro"), "use_llama_pro")
    }
    guard method == "freeze", let layers = arguments.integer("freeze_trainable_layers") else { return }
    let value = arguments.located("freeze_trainable_layers")
    if arguments.bool("use_llama_pro") {
      train.set("trainable.type", text: "new_blocks", at: arguments.located("use_llama_pro"), "use_llama_pro")
      train.set("trainable.inserted", from: "freeze_trainable_layers", of: arguments)
      return
    }
    guard layers != 0 else {
      return refuse(
        "freeze_trainable_layers", "no block would be trained", try: "a number of blocks, below zero for the first ones"
      )
    }
    train.set("trainable.type", text: "blocks", at: arguments.located("finetuning_type"), "finetuning_type: freeze")
    train.set(
      "trainable.\(layers > 0 ? "last" : "first")", text: "\(abs(layers))", at: value, "freeze_trainable_layers")
    for (field, key) in [("modules", "freeze_trainable_modules"), ("extra_modules", "freeze_extra_modules")] {
      let names = arguments.names(key)
      if names.isEmpty || names.contains(where: { $0.scalarText == "all" }) { continue }
      train.set("trainable.\(field)", arguments.located(key).with(list: names), key)
    }
  }

  // MARK: How it runs

  private func setRun(_ train: inout Sketch.Node) {
    train.set(
      "shuffle", text: arguments.bool("disable_shuffling") ? "false" : "true",
      at: arguments.located("disable_shuffling"), "disable_shuffling")
    train.set("seed", from: "seed", of: arguments)
    if arguments.isGiven("moe_aux_loss_coef") {
      train.set("router_aux_loss_coef", from: "moe_aux_loss_coef", of: arguments)
    }
    setSteps(&train, "log_every", "logging_steps", strategy: "logging_strategy")
    setSteps(&train, "save_every", "save_steps", strategy: "save_strategy")
    if arguments.isGiven("save_total_limit") {
      train.set("keep_checkpoints", from: "save_total_limit", of: arguments)
    }
    let recomputes = arguments.bool("gradient_checkpointing")
    if recomputes
      || (arguments.isGiven("disable_gradient_checkpointing") && !arguments.bool("disable_gradient_checkpointing"))
    {
      let key = recomputes ? "gradient_checkpointing" : "disable_gradient_checkpointing"
      train.set("recompute", text: "block", at: arguments.located(key), key)
    }
    let reports = Set(arguments.names("report_to").compactMap(\.scalarText))
    train.set(
      "report_to", text: "", at: arguments.located("report_to"), "LLaMA-Factory writes trainer_state.json")
    let value = arguments.located("report_to")
    let names = ["trainer_state"] + (reports.contains("tensorboard") || reports.contains("all") ? ["tensorboard"] : [])
    train.fields[train.fields.count - 1].value = value.with(list: names.map { value.with(text: $0) })
    checkResumption()
  }

  /// A number of steps; a share of them, or whole passes, become the node's own default.
  private func setSteps(_ train: inout Sketch.Node, _ field: String, _ key: String, strategy: String) {
    let how = arguments.text(strategy) ?? "steps"
    guard how == "steps" else {
      // Every step is in the metrics in any case, and how often is saved changes nothing.
      if field == "log_every" {
        train.set(field, text: "1", at: arguments.located(strategy), "\(strategy): \(how)")
      }
      return
    }
    guard let steps = arguments.number(key), steps >= 1 else {
      if arguments.isGiven(key) { arguments.note(key, "shares of the steps are not taken; it is said in steps") }
      return
    }
    train.set(field, from: key, of: arguments)
  }

  private func checkResumption() {
    guard arguments.isGiven("resume_from_checkpoint"), let text = arguments.text("resume_from_checkpoint") else {
      return
    }
    if ["true", "false"].contains(text.lowercased()) {
      return arguments.note("resume_from_checkpoint", "a run that was stopped goes on by itself")
    }
    report(.checkpoint(text), at: arguments.located("resume_from_checkpoint"), "resume_from_checkpoint")
  }
}
