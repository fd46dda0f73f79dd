import Pipeline

/// What stages have of their own.
extension Expansion {
  /// Sets the fields of the stage, on a training or on what measures as it does.
  ///
  /// - Parameter measures: Whether it is `evaluate`, which has no noise and smooths nothing.
  func setStage(_ train: inout Sketch.Node, measures: Bool = false) {
    switch stage {
    case .sft, .pt: setTexts(&train, measures: measures)
    case .dpo: setDPO(&train)
    case .orpo:
      train.set("beta", from: "pref_beta", of: arguments)
      refuseSFTTerm("ORPO learns the chosen answers in any case")
    case .simpo:
      train.set("beta", from: "pref_beta", of: arguments)
      train.set("gamma", from: "simpo_gamma", of: arguments)
      train.set("sft_weight", from: "pref_ftx", of: arguments)
    case .kto:
      train.set("beta", from: "pref_beta", of: arguments)
      train.set("desirable_weight", from: "kto_chosen_weight", of: arguments)
      train.set("undesirable_weight", from: "kto_rejected_weight", of: arguments)
      refuseSFTTerm("`stage: kto` has no such term here")
    case .rm, .ppo: break
    }
    guard !measures, stage != .sft, stage != .pt else { return }
    for key in ["neftune_noise_alpha", "label_smoothing_factor"] where (arguments.number(key) ?? 0) > 0 {
      refuse(key, "it belongs to `stage: sft` and `pt` here")
    }
  }

  private func refuseSFTTerm(_ reason: String) {
    if (arguments.number("pref_ftx") ?? 0) != 0 { refuse("pref_ftx", reason) }
  }

  private func setTexts(_ train: inout Sketch.Node, measures: Bool) {
    // What is measured of held-out rows is −log p, whatever is learned by.
    guard !measures else { return }
    let losses = [("use_dft_loss", "dft"), ("use_eaft_loss", "eaft"), ("use_asft_loss", "asft")]
    if stage == .sft, let (key, loss) = losses.first(where: { arguments.bool($0.0) }) {
      train.set("loss", text: loss, at: arguments.located(key), key)
      if loss == "eaft" { train.set("eaft_alpha", from: "eaft_alpha", of: arguments) }
      if loss == "asft" { train.set("asft_weight", from: "asft_alpha", of: arguments) }
    }
    for (field, key) in [("label_smoothing", "label_smoothing_factor"), ("neftune_alpha", "neftune_noise_alpha")]
    where (arguments.number(key) ?? 0) != 0 {
      train.set(field, from: key, of: arguments)
    }
  }

  private func setDPO(_ train: inout Sketch.Node) {
    let value = arguments.located("pref_loss")
    let loss = arguments.text("pref_loss") ?? "sigmoid"
    if loss == "kto_pair" {
      refuse(
        "pref_loss", "TRL dropped it, and LLaMA-Factory trains `sigmoid` in its place",
        try: "`stage: kto`, or `pref_loss: sigmoid`")
      return
    }
    let weight = arguments.number("pref_bco_weight") ?? 0
    let origin = arguments.isGiven("pref_loss") ? "pref_loss" : "pref_loss, LLaMA-Factory's default"
    if weight > 0 {
      train.set(
        "loss", value.with(list: [value.with(text: loss), value.with(text: "bco_pair")]), "\(origin), pref_bco_weight")
      let weights = [1 / (1 + weight), weight / (1 + weight)].map { value.with(text: "\($0)") }
      train.set("loss_weights", arguments.located("pref_bco_weight").with(list: weights), "1 ÷ (1 + w) and w ÷ (1 + w)")
    } else {
      train.set(
        "loss", value.with(list: [value.with(text: loss)]),
        loss == "sigmoid"
          ? origin : "\(origin): the paper's, where LLaMA-Factory trains `sigmoid` with TRL 0.20 and later")
    }
    train.set("beta", from: "pref_beta", of: arguments)
    if (arguments.number("dpo_label_smoothing") ?? 0) != 0 {
      if loss != "sigmoid" {
        report(
          .together("dpo_label_smoothing", "pref_loss: \(loss)", reason: "it is for `sigmoid`, as in LLaMA-Factory"),
          at: arguments.located("dpo_label_smoothing"), "dpo_label_smoothing")
      }
      train.set("label_smoothing", from: "dpo_label_smoothing", of: arguments)
    }
    if (arguments.number("pref_ftx") ?? 0) != 0 { train.set("sft_weight", from: "pref_ftx", of: arguments) }
    if arguments.isGiven("ld_alpha") {
      train.set("ld_alpha", from: "ld_alpha", of: arguments, "in the reference as well, as the paper has it")
    }
  }
}
