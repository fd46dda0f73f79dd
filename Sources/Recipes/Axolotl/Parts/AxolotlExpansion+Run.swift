import Diagnostics
import Pipeline

/// Optimizers, schedules, evaluations, and how a training runs.
extension AxolotlExpansion {
  // MARK: Schedule

  func setAxolotlSchedule(_ train: inout Sketch.Node) {
    switch arguments.text("lr_scheduler") ?? "" {
    case "rex":
      train.set("schedule.type", text: "rex", at: arguments.located("lr_scheduler"), "lr_scheduler")
      setWarmup(&train, ScheduleName(type: "rex"), "rex")
    case "one_cycle": setOneCycle(&train)
    default: setSchedule(&train, "lr_scheduler")
    }
    guard arguments.isGiven("cosine_min_lr_ratio") else {
      if arguments.isGiven("cosine_constant_lr_ratio") {
        arguments.note("cosine_constant_lr_ratio", "it goes with `cosine_min_lr_ratio`, as in Axolotl")
      }
      return
    }
    guard arguments.text("lr_scheduler") == "cosine" else {
      return arguments.note("cosine_min_lr_ratio", "it goes with `lr_scheduler: cosine`, as in Axolotl")
    }
    train.set("schedule.min_lr_rate", from: "cosine_min_lr_ratio", of: arguments)
    if let constant = arguments.number("cosine_constant_lr_ratio"), arguments.isGiven("cosine_constant_lr_ratio") {
      train.set(
        "schedule.constant_tail", text: "\(1 - constant)", at: arguments.located("cosine_constant_lr_ratio"),
        "1 − cosine_constant_lr_ratio")
    }
  }

  private func setOneCycle(_ train: inout Sketch.Node) {
    let value = arguments.located("lr_scheduler")
    train.set("schedule.type", text: "one_cycle", at: value, "lr_scheduler")
    let fields = ["pct_start", "anneal_strategy", "div_factor", "final_div_factor", "three_phase"]
    for pair in arguments.located("lr_scheduler_kwargs").pairs where arguments.isGiven("lr_scheduler_kwargs") {
      guard fields.contains(pair.key.text) else {
        report(
          .unknownChoice(pair.key.text, among: fields), at: pair.value, "lr_scheduler_kwargs.\(pair.key.text)")
        continue
      }
      train.set("schedule.\(pair.key.text)", pair.value, "lr_scheduler_kwargs.\(pair.key.text)")
    }
    guard !train.fields.contains(where: { $0.name == "schedule.pct_start" }) else { return }
    if (arguments.integer("warmup_steps") ?? 0) > 0, arguments.isGiven("warmup_steps") {
      return refuse("warmup_steps", "`one_cycle` rises over a share of the steps", try: "`warmup_ratio`")
    }
    let key = "warmup_ratio"
    train.set(
      "schedule.pct_start", text: arguments.isGiven(key) ? arguments.text(key) ?? "0.03" : "0.03",
      at: arguments.located(key), arguments.isGiven(key) ? key : "warmup_ratio, Axolotl's default")
  }

  // MARK: Optimizer

  private static let own: [String: String] = [
    "optimi_adamw": "adamw", "ao_adamw_8bit": "adamw_8bit", "came_pytorch": "came", "muon": "muon",
    "flash_adamw": "adamw", "flash_sgd": "sgd", "flash_lion": "lion", "galore_adamw": "galore",
    "apollo_adamw": "apollo", "lion_8bit": "lion", "lion_pytorch": "lion",
    "adamw_torch_8bit": "adamw_8bit",
  ]

  private static let refused: [String: String] = [
    "ao_adamw_4bit": "adamw_8bit", "ao_adamw_fp8": "adamw_8bit", "adopt_adamw": "adamw_torch", "dion": "muon",
    "sinkgd": "muon", "flash_adam": "adamw_torch", "flash_sgdw": "sgd", "q_galore_adamw8bit": "galore_adamw",
    "adamw_anyprecision": "adamw_torch", "adamw_torch_4bit": "adamw_torch_8bit",
  ]

  func setOptimizer(_ train: inout Sketch.Node) {
    guard let name = arguments.text("optimizer") else { return }
    guard let type = Self.own[name] ?? OptimizerNames.all[name] else {
      if let other = Self.refused[name] {
        return refuse("optimizer", "it is not there", try: "`\(other)`, which is nearest")
      }
      return report(
        .unknownChoice(name, among: (Array(Self.own.keys) + Array(OptimizerNames.all.keys)).sorted()),
        at: arguments.located("optimizer"), "optimizer")
    }
    train.set("optimizer.type", text: type, at: arguments.located("optimizer"), origin("optimizer"))
    train.set("optimizer.weight_decay", from: "weight_decay", of: arguments)
    let betas = ["adam_beta1", "adam_beta2"] + (type == "came" ? ["adam_beta3"] : [])
    let standards = ["0.9", "0.999", "0.9999"]
    if OptimizerNames.likeAdamW.contains(type) || ["lion", "came"].contains(type) {
      let given = betas.filter { arguments.isGiven($0) }
      if !given.isEmpty || type != "lion" {
        let value = arguments.located(given.first ?? betas[0])
        let list = betas.enumerated().map { index, key in
          arguments.isGiven(key) ? arguments.located(key) : value.with(text: standards[index])
        }
        train.set(
          "optimizer.betas", value.with(list: list),
          given.isEmpty ? "transformers' defaults" : betas.joined(separator: ", "))
      }
    }
    if OptimizerNames.likeAdamW.contains(type), arguments.isGiven("adam_epsilon") {
      train.set("optimizer.epsilon", from: "adam_epsilon", of: arguments)
    }
    for (name, value) in optimizerArguments() { train.set("optimizer.\(name)", value, "optim_args.\(name)") }
    if arguments.isGiven("max_grad_norm"), let norm = arguments.number("max_grad_norm") {
      if norm > 0 {
        train.set("max_grad_norm", from: "max_grad_norm", of: arguments)
      } else {
        train.set(
          "max_grad_norm", text: "1.0e30", at: arguments.located("max_grad_norm"), "max_grad_norm 0: none is reached")
      }
    }
  }

  /// The names and values of `optim_args`, a map or a text such as `rank=64, scale=0.5`.
  private func optimizerArguments() -> [(name: String, value: LocatedValue)] {
    guard arguments.isGiven("optim_args") else { return [] }
    let value = arguments.located("optim_args")
    if let text = value.scalarText {
      return text.split(separator: ",").compactMap { part in
        let words = part.split(separator: "=", maxSplits: 1).map(\.trimmed)
        return words.count == 2 ? (words[0], value.with(text: words[1])) : nil
      }
    }
    return value.pairs.map { ($0.key.text, $0.value) }
  }

  // MARK: Evaluations

  func setEvaluations(_ train: inout Sketch.Node, _ tokens: Tokens) {
    let strategyKey = arguments.isGiven("eval_strategy") ? "eval_strategy" : "evaluation_strategy"
    let strategy = arguments.isGiven(strategyKey) ? arguments.text(strategyKey) : nil
    let keepsBest = arguments.bool("load_best_model_at_end") || arguments.text("save_strategy") == "best"
    guard strategy != "no", let validation = tokens.validation, let (steps, comment, key) = evaluationSteps(tokens)
    else {
      let keys = ["early_stopping_patience", "load_best_model_at_end", "save_strategy"]
      if keepsBest || arguments.isGiven(keys[0]), !arguments.isBroken("eval_steps") {
        let key = keys.first { arguments.isGiven($0) && arguments.text($0) != "false" } ?? keys[0]
        refuse(
          key, "nothing says after how many steps it is measured while it trains",
          try: "`eval_steps: 50` and `val_set_size: 0.05`")
      }
      return
    }
    train.connect("validation", validation)
    train.set("evaluate_every", text: "\(steps)", at: arguments.located(key), comment)
    if arguments.isGiven("early_stopping_patience") {
      train.set("early_stopping.patience", from: "early_stopping_patience", of: arguments)
    }
    guard keepsBest || arguments.isGiven("early_stopping_patience") else { return }
    if keepsBest {
      let key = arguments.bool("load_best_model_at_end") ? "load_best_model_at_end" : "save_strategy"
      train.set("keep", text: "best", at: arguments.located(key), key)
    }
    if arguments.isGiven("metric_for_best_model"), let measure = arguments.text("metric_for_best_model") {
      train.set(
        "best_measure", text: measure.hasPrefix("eval_") ? String(measure.dropFirst("eval_".count)) : measure,
        at: arguments.located("metric_for_best_model"), "metric_for_best_model")
    }
    if arguments.isGiven("greater_is_better") {
      train.set(
        "best_goal", text: arguments.bool("greater_is_better") ? "higher" : "lower",
        at: arguments.located("greater_is_better"), "greater_is_better")
    }
  }

  /// The steps from one evaluation to the next; nil where nothing says it in steps.
  private func evaluationSteps(_ tokens: Tokens) -> (steps: Int, comment: String, key: String)? {
    if arguments.isGiven("eval_steps"), let steps = arguments.number("eval_steps") {
      if steps >= 1, steps < 1e9 { return (Int(steps), "eval_steps", "eval_steps") }
      refuse(
        "eval_steps", "evaluations come after a number of steps, not after a share of them",
        try: "a number of steps, such as `eval_steps: 50`")
      return nil
    }
    let key = "evals_per_epoch"
    guard arguments.isGiven(key), let evaluations = arguments.integer(key), evaluations > 0 else { return nil }
    let batch = batchSize()
    // Packed rows are fewer than those of the files, by how many is known once they are tokens.
    guard !arguments.bool("sample_packing"), let rows = tokens.rows, batch > 0 else {
      arguments.note(key, "measured at the end; how many steps a pass has is known once rows are packed")
      return nil
    }
    let steps = max(1, (Double(rows) / Double(batch) / Double(evaluations)).rounded())
    return (Int(min(steps, 1e9)), "\(key) \(evaluations), of \(rows) rows in steps of \(batch)", key)
  }

  // MARK: How it runs

  func setRun(_ train: inout Sketch.Node) {
    if arguments.bool("curriculum_sampling") {
      train.set("shuffle", text: "false", at: arguments.located("curriculum_sampling"), "curriculum_sampling")
    }
    setSeed(&train)
    if arguments.isGiven("logging_steps") { train.set("log_every", from: "logging_steps", of: arguments) }
    if arguments.isGiven("save_steps"), let steps = arguments.number("save_steps") {
      if steps >= 1 {
        train.set("save_every", from: "save_steps", of: arguments)
      } else {
        arguments.note("save_steps", "shares of the steps are not taken; it is said in steps")
      }
    }
    if arguments.isGiven("save_total_limit") { train.set("keep_checkpoints", from: "save_total_limit", of: arguments) }
    setWatches(&train)
    let checkpointing = arguments.located("gradient_checkpointing")
    if arguments.isGiven("gradient_checkpointing"),
      arguments.bool("gradient_checkpointing") || ["offload", "offload_disk"].contains(checkpointing.writtenText)
    {
      train.set("recompute", text: "block", at: checkpointing, "gradient_checkpointing")
    }
    if arguments.bool("use_tensorboard") {
      let value = arguments.located("use_tensorboard")
      train.set("report_to", value.with(list: [value.with(text: "tensorboard")]), "use_tensorboard")
    }
    if arguments.isGiven("resume_from_checkpoint"), let text = arguments.text("resume_from_checkpoint"),
      !["true", "false"].contains(text.lowercased())
    {
      refuse(
        "resume_from_checkpoint", "it is a checkpoint of Axolotl's; a run here goes on from its own, by itself",
        try: "leave it out; `lora_model_dir: \(text)` begins with the adapter that lies there")
    }
  }

  private func setWatches(_ train: inout Sketch.Node) {
    if arguments.isGiven("loss_watchdog_threshold") {
      let value = arguments.located("loss_watchdog_threshold")
      if arguments.isGiven("loss_watchdog_patience") {
        train.set("loss_watchdog.steps", from: "loss_watchdog_patience", of: arguments)
      } else {
        train.set("loss_watchdog.steps", text: "3", at: value, "loss_watchdog_patience, Axolotl's default")
      }
      arguments.note(
        "loss_watchdog_threshold", "a loss has run away when it is three times the median of the steps before")
    }
    guard arguments.bool("generate_samples") else { return }
    train.connect("tokenizer", Self.tokenizer)
    let steps = arguments.isGiven("eval_steps") ? arguments.number("eval_steps") ?? 0 : 0
    train.set(
      "samples.every", text: steps >= 1 ? "\(Int(min(steps, 1e9)))" : "100", at: arguments.located("generate_samples"),
      steps >= 1 ? "eval_steps" : "generate_samples")
    train.set("samples.prompts", from: "num_generation_samples", of: arguments)
    train.set("samples.max_tokens", from: "generation_max_new_tokens", of: arguments)
  }
}
