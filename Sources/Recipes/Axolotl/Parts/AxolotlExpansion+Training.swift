import Diagnostics
import Pipeline

/// The training itself, what measures it and what is taken away.
extension AxolotlExpansion {
  func addTraining(_ model: String, _ tokens: Tokens) {
    var train = node(Self.training, "train", at: stageKey)
    train.set("stage", text: stage, at: arguments.located(stageKey), stageKey)
    train.connect("model", model)
    train.connect("data", tokens.train ?? "")
    if tokens.train == nil { train.fields[train.fields.count - 1].value.isBroken = true }
    // A LoRA that goes on is compared with the model without it.
    let reference = ["dpo", "kto"].contains(stage) && arguments.isGiven("lora_model_dir") ? Self.base : nil
    if let reference, model != Self.base { train.connect("reference", reference) }
    setEvaluations(&train, tokens)
    setLength(&train)
    setAxolotlSchedule(&train)
    setOptimizer(&train)
    setPart(&train)
    setStage(&train)
    setRun(&train)
    sketch.nodes.append(train)
    sketch.outputs.append("\(Self.training).metrics")
    if let validation = tokens.validation { addEvaluation(validation, start: reference ?? model) }
    addRelease(of: Self.training, base: "base_model", to: "output_dir")
  }

  // MARK: Length

  private func setLength(_ train: inout Sketch.Node) {
    if let steps = arguments.integer("max_steps"), steps > 0, arguments.isGiven("max_steps") {
      train.set("max_steps", from: "max_steps", of: arguments)
    } else {
      train.set("epochs", from: "num_epochs", of: arguments)
    }
    let (rows, times) = ("micro_batch_size", "gradient_accumulation_steps")
    if arguments.isGiven("batch_size") {
      train.set("batch_size", from: "batch_size", of: arguments)
      for key in [rows, times] where arguments.isGiven(key) { arguments.note(key, "`batch_size` says the product") }
    } else {
      train.set(
        "batch_size", text: "\(batchSize())", at: arguments.located(arguments.isGiven(rows) ? rows : times),
        "\(rows) \(arguments.text(rows) ?? "") × \(times) \(arguments.text(times) ?? "")")
    }
    if !arguments.isGiven("learning_rate") {
      report(
        .missing("learning_rate", reason: "Axolotl has no default", advice: "`learning_rate: 2e-4`"),
        at: arguments.located("learning_rate"), nil)
    } else {
      train.set("learning_rate", from: "learning_rate", of: arguments)
    }
  }

  /// The rows of an optimizer step.
  func batchSize() -> Int {
    if arguments.isGiven("batch_size") { return arguments.integer("batch_size") ?? 1 }
    let factors = ["micro_batch_size", "gradient_accumulation_steps"].map { arguments.integer($0) ?? 1 }
    let (product, overflow) = factors[0].multipliedReportingOverflow(by: factors[1])
    return overflow ? factors[0] : product
  }

  // MARK: Parts of the model

  private func setPart(_ train: inout Sketch.Node) {
    if arguments.isGiven("embedding_lr_scale") {
      train.set("embedding_learning_rate_factor", from: "embedding_lr_scale", of: arguments)
    } else if arguments.isGiven("embedding_lr") {
      train.set("embedding_learning_rate", from: "embedding_lr", of: arguments)
    }
    if arguments.isGiven("loraplus_lr_ratio") {
      train.set("lora_plus_ratio", from: "loraplus_lr_ratio", of: arguments)
    }
    setGroups(&train)
    if arguments.isGiven("unfrozen_parameters") {
      let value = arguments.located("unfrozen_parameters")
      for item in value.names where item.writtenText.hasSuffix("]") && item.writtenText.contains("$[") {
        report(
          .refused(
            "unfrozen_parameters", item.writtenText, reason: "a tensor is trained whole",
            advice: "the name alone, or `adapter: lora` and `peft_trainable_token_indices`"), at: item,
          "unfrozen_parameters")
      }
      train.set("trainable.type", text: "names", at: value, "unfrozen_parameters")
      train.set("trainable.match", value.with(list: value.names), "unfrozen_parameters")
    } else if arguments.isGiven("lisa_n_layers") {
      train.set("trainable.type", text: "lisa", at: arguments.located("lisa_n_layers"), "lisa_n_layers")
      train.set("trainable.active", from: "lisa_n_layers", of: arguments)
      if arguments.isGiven("lisa_step_interval") {
        train.set("trainable.switch_every", from: "lisa_step_interval", of: arguments)
      }
    } else if hasPlugin("spectrum"), let share = arguments.number("spectrum_top_fraction") {
      let value = arguments.located("spectrum_top_fraction")
      train.set("trainable.type", text: "spectrum", at: value, "plugins: spectrum")
      train.set("trainable.top_percent", text: "\(share * 100)", at: value, "spectrum_top_fraction × 100")
    }
  }

  private func setGroups(_ train: inout Sketch.Node) {
    guard arguments.isGiven("lr_groups"), case .list(let items) = arguments.located("lr_groups").content else { return }
    let groups = items.map { item -> LocatedValue in
      let names = item["modules"]?.names.map(\.writtenText) ?? []
      var pairs = [pair("match", item.with(text: names.joined(separator: "|")), at: item)]
      if let rate = item["lr"] { pairs.append(pair("learning_rate", rate, at: item)) }
      return LocatedValue(.map(pairs), at: item.mark)
    }
    train.set("groups", arguments.located("lr_groups").with(list: groups), "lr_groups")
  }

  private func pair(_ name: String, _ value: LocatedValue, at place: LocatedValue) -> LocatedValue.Pair {
    LocatedValue.Pair(key: LocatedValue.Key(text: name, mark: place.mark), value: value)
  }

  // MARK: Stages

  private func setStage(_ train: inout Sketch.Node) {
    setMeasures(&train)
    guard stage == "sft" || stage == "pt" else { return }
    if stage == "sft", arguments.bool("use_eaft") {
      train.set("loss", text: "eaft", at: arguments.located("use_eaft"), "use_eaft")
      train.set("eaft_alpha", from: "eaft_alpha", of: arguments)
      train.set("eaft_top_k", from: "eaft_k", of: arguments)
    }
    let key = arguments.isGiven("neftune_noise_alpha") ? "neftune_noise_alpha" : "noisy_embedding_alpha"
    if arguments.isGiven(key) { train.set("neftune_alpha", from: key, of: arguments) }
  }

  /// Fields of the stage that measuring has too.
  private func setMeasures(_ node: inout Sketch.Node) {
    switch stage {
    case "dpo":
      let value = arguments.located(arguments.isGiven("dpo_loss_type") ? "dpo_loss_type" : "rl")
      let isIPO = arguments.text("rl") == "ipo"
      if isIPO, arguments.isGiven("dpo_loss_type") {
        refuse("dpo_loss_type", with: "rl: ipo", "`ipo` is a loss by itself")
      }
      let names =
        arguments.isGiven("dpo_loss_type") && !isIPO ? value.names : [value.with(text: isIPO ? "ipo" : "sigmoid")]
      node.set(
        "loss", value.with(list: names),
        isIPO ? "rl: ipo" : arguments.isGiven("dpo_loss_type") ? "dpo_loss_type" : "TRL's default")
      if arguments.isGiven("dpo_loss_weights") {
        node.set("loss_weights", arguments.located("dpo_loss_weights"), "dpo_loss_weights")
      }
      setBeta(&node, "0.1")
      for (field, key) in [("label_smoothing", "dpo_label_smoothing"), ("wpo", "dpo_use_weighting")]
      where arguments.isGiven(key) {
        node.set(field, from: key, of: arguments)
      }
    case "kto":
      setBeta(&node, "0.1")
      for (field, key) in [
        ("desirable_weight", "kto_desirable_weight"), ("undesirable_weight", "kto_undesirable_weight"),
      ] where arguments.isGiven(key) {
        node.set(field, from: key, of: arguments)
      }
    case "orpo": setBeta(&node, "0.1", others: ["orpo_alpha"])
    case "simpo":
      setBeta(&node, "0.1")
      set(&node, "gamma", "simpo_gamma", "0.5")
      set(&node, "sft_weight", "cpo_alpha", "1.0")
    case "rm":
      if arguments.isGiven("center_rewards_coefficient") {
        node.set("center_rewards", from: "center_rewards_coefficient", of: arguments)
      }
    default: break
    }
  }

  private func setBeta(_ node: inout Sketch.Node, _ standard: String, others: [String] = []) {
    if arguments.isGiven("trl"), let beta = arguments.located("trl")["beta"] {
      return node.set("beta", beta, "trl.beta")
    }
    let key = (["rl_beta"] + others + ["dpo_beta"]).first { arguments.isGiven($0) } ?? "rl_beta"
    set(&node, "beta", key, standard)
  }

  /// Sets a field to a key's value, or what TRL takes without it.
  private func set(_ node: inout Sketch.Node, _ field: String, _ key: String, _ standard: String) {
    if arguments.isGiven(key) {
      node.set(field, from: key, of: arguments)
    } else {
      node.set(field, text: standard, at: arguments.located(key), "\(key), TRL's default")
    }
  }

  private func addEvaluation(_ validation: String, start: String) {
    let key = arguments.isGiven("test_datasets") ? "test_datasets" : "val_set_size"
    var evaluate = node("evaluate", "evaluate", at: key)
    evaluate.connect("model", Self.training)
    evaluate.connect("data", validation)
    evaluate.set("stage", text: stage, at: arguments.located(stageKey), stageKey)
    setMeasures(&evaluate)
    if ["dpo", "kto"].contains(stage) { evaluate.connect("reference", start) }
    sketch.nodes.append(evaluate)
    sketch.outputs.append("evaluate")
  }
}
