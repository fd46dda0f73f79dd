import Diagnostics
import Pipeline

/// The optimizer of a training.
extension Expansion {
  private static let special = ["use_galore", "use_apollo", "use_badam", "use_adam_mini", "use_muon"]

  /// Sets which optimizer takes the steps, and with what.
  func setOptimizer(_ train: inout Sketch.Node) {
    let chosen = Self.special.filter { arguments.bool($0) }
    let method = arguments.text("finetuning_type") ?? "lora"
    for key in chosen.prefix(3) where method == "lora" && ["use_galore", "use_apollo", "use_badam"].contains(key) {
      report(
        .together(
          key, "finetuning_type: lora", reason: "it is for matrices that are trained whole, as in LLaMA-Factory"),
        at: arguments.located(key), key)
    }
    if chosen.count > 1 {
      report(
        .together(chosen[0], chosen[1], reason: "a training has one optimizer"), at: arguments.located(chosen[1]),
        chosen[1])
    }
    let type: String
    if let key = chosen.first {
      type = String(key.dropFirst("use_".count))
      train.set("optimizer.type", text: type, at: arguments.located(key), key)
      if arguments.isGiven("optim") { arguments.note("optim", "`\(key)` goes before it, as in LLaMA-Factory") }
    } else {
      let name = arguments.text("optim") ?? "adamw_torch"
      guard let found = OptimizerNames.all[name] else {
        return report(
          .unknownChoice(name, among: OptimizerNames.all.keys.sorted()), at: arguments.located("optim"), "optim")
      }
      type = found
      train.set(
        "optimizer.type", text: type, at: arguments.located("optim"),
        arguments.isGiven("optim") ? "optim: \(name)" : "optim, LLaMA-Factory's default")
    }
    train.set("optimizer.weight_decay", from: "weight_decay", of: arguments)
    setRates(&train, type)
    if let key = chosen.first { setSpecial(&train, key) }
    if arguments.isGiven("loraplus_lr_ratio") {
      if method == "lora" {
        train.set("lora_plus_ratio", from: "loraplus_lr_ratio", of: arguments)
      } else {
        report(
          .together("loraplus_lr_ratio", "finetuning_type: \(method)", reason: "it is the rate of LoRA's matrices"),
          at: arguments.located("loraplus_lr_ratio"), "loraplus_lr_ratio")
      }
    }
    if let norm = arguments.number("max_grad_norm") {
      if norm > 0 {
        train.set("max_grad_norm", from: "max_grad_norm", of: arguments)
      } else {
        train.set(
          "max_grad_norm", text: "1.0e30", at: arguments.located("max_grad_norm"), "max_grad_norm 0: none is reached")
      }
    }
  }

  private func setRates(_ train: inout Sketch.Node, _ type: String) {
    let betas = ["adam_beta1", "adam_beta2"]
    if OptimizerNames.likeAdamW.contains(type) || type == "lion" {
      let given = betas.filter { arguments.isGiven($0) }
      let value = arguments.located(given.first ?? betas[0])
      train.set(
        "optimizer.betas", value.with(list: betas.map { arguments.located($0) }),
        given.isEmpty ? "adam_beta1, adam_beta2, LLaMA-Factory's defaults" : betas.joined(separator: ", "))
    }
    if OptimizerNames.likeAdamW.contains(type) { train.set("optimizer.epsilon", from: "adam_epsilon", of: arguments) }
  }

  private func setSpecial(_ train: inout Sketch.Node, _ key: String) {
    let fields: [(field: String, key: String)]
    switch key {
    case "use_galore":
      fields = [
        ("rank", "galore_rank"), ("update_proj_gap", "galore_update_interval"), ("scale", "galore_scale"),
        ("proj_type", "galore_proj_type"),
      ]
      if arguments.text("galore_proj_type") == "full" {
        refuse("galore_proj_type", "matrices are projected on one side", try: "`galore_proj_type: std`")
      }
    case "use_apollo":
      fields = [
        ("rank", "apollo_rank"), ("update_proj_gap", "apollo_update_interval"), ("scale", "apollo_scale"),
        ("scale_type", "apollo_scale_type"), ("proj", "apollo_proj"), ("scale_front", "apollo_scale_front"),
      ]
    case "use_badam":
      fields = [("switch_mode", "badam_switch_mode"), ("switch_every", "badam_switch_interval")]
      if arguments.text("badam_switch_mode") == "fixed" {
        refuse(
          "badam_switch_mode", "layers take turns",
          try: "`finetuning_type: freeze`, which trains the same blocks all the time")
      } else if (arguments.integer("badam_switch_interval") ?? 1) < 0 {
        refuse("badam_switch_interval", "layers take turns", try: "a number of steps")
      }
    default: fields = []
    }
    for (field, key) in fields { train.set("optimizer.\(field)", from: key, of: arguments) }
  }
}
