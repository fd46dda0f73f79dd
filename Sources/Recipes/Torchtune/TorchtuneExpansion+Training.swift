import Diagnostics
import Pipeline

/// The training itself, what measures it and what is taken away.
extension TorchtuneExpansion {
  func addTraining(_ model: String, _ tokens: Tokens, teacher: String?, reference: String?) {
    var train = node(Self.training, "train", at: "optimizer._component_")
    train.set("stage", text: stage, at: arguments.located("loss._component_"), "loss")
    train.connect("model", model)
    train.connect("data", tokens.train ?? "")
    if tokens.train == nil { train.fields[train.fields.count - 1].value.isBroken = true }
    if let teacher { train.connect("teacher", teacher) }
    if let reference { train.connect("reference", reference) }
    if let validation = tokens.validation, arguments.isGiven("run_val_every_n_steps") {
      train.connect("validation", validation)
      train.set("evaluate_every", from: "run_val_every_n_steps", of: arguments)
    }
    setLength(&train)
    setSchedule(&train)
    setOptimizer(&train)
    setLoss(&train)
    setRun(&train)
    sketch.nodes.append(train)
    sketch.outputs.append("\(Self.training).metrics")
    if let validation = tokens.validation {
      var evaluate = node("evaluate", "evaluate", at: "dataset_val")
      evaluate.connect("model", Self.training)
      evaluate.connect("data", validation)
      evaluate.set("stage", text: stage, at: arguments.located("loss._component_"), "loss")
      setLoss(&evaluate)
      if let teacher { evaluate.connect("teacher", teacher) }
      if stage == "dpo" { evaluate.connect("reference", reference ?? model) }
      sketch.nodes.append(evaluate)
      sketch.outputs.append("evaluate")
    }
    addRelease(of: Self.training, base: "checkpointer.checkpoint_dir", to: "output_dir")
  }

  private func setLength(_ train: inout Sketch.Node) {
    let epochs = arguments.isGiven("epochs") ? arguments.integer("epochs") ?? 1 : 1
    if arguments.isGiven("max_steps_per_epoch"), let steps = arguments.integer("max_steps_per_epoch") {
      let (product, overflow) = steps.multipliedReportingOverflow(by: epochs)
      train.set(
        "max_steps", text: overflow ? "\(steps)" : "\(product)", at: arguments.located("max_steps_per_epoch"),
        epochs == 1 ? "max_steps_per_epoch" : "max_steps_per_epoch \(steps) × epochs \(epochs)")
    } else if arguments.isGiven("epochs") {
      train.set("epochs", from: "epochs", of: arguments)
    }
    if arguments.isGiven("batch_size"), let size = arguments.integer("batch_size"),
      let count = arguments.integer("gradient_accumulation_steps")
    {
      let (product, overflow) = size.multipliedReportingOverflow(by: count)
      train.set(
        "batch_size", text: overflow ? "\(size)" : "\(product)", at: arguments.located("batch_size"),
        "batch_size \(size) × gradient_accumulation_steps \(count)")
    }
    if arguments.isGiven("optimizer.lr") {
      train.set("learning_rate", from: "optimizer.lr", of: arguments)
    } else {
      report(
        .missing("optimizer.lr", reason: "it says how far a step goes", advice: "`lr: 2e-5` in `optimizer`"),
        at: arguments.located("optimizer._component_"), nil)
    }
  }

  private func setSchedule(_ train: inout Sketch.Node) {
    let key = "lr_scheduler._component_"
    guard let name = component(key) else {
      return train.set("schedule.type", text: "constant", at: arguments.located(key), "there is no lr_scheduler")
    }
    guard name == "get_cosine_schedule_with_warmup" else {
      return refuse(
        key, "torchtune's own schedule is the cosine",
        try: "`torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup`")
    }
    train.set("schedule.type", text: "cosine", at: arguments.located(key), "lr_scheduler")
    if arguments.isGiven("lr_scheduler.num_warmup_steps") {
      train.set("schedule.warmup_steps", from: "lr_scheduler.num_warmup_steps", of: arguments)
    }
    if arguments.isGiven("lr_scheduler.num_cycles") {
      train.set("schedule.num_cycles", from: "lr_scheduler.num_cycles", of: arguments)
    }
  }

  private static let optimizers = [
    "AdamW": "adamw", "PagedAdamW": "adamw", "AdamW8bit": "adamw_8bit", "PagedAdamW8bit": "adamw_8bit",
    "SGD": "sgd", "Adafactor": "adafactor",
  ]

  private func setOptimizer(_ train: inout Sketch.Node) {
    let key = "optimizer._component_"
    guard let name = component(key) else { return }
    guard let type = Self.optimizers[name] else {
      return refuse(
        key, "known are \(ProblemWords.list(Self.optimizers.keys.sorted()))", try: "`torch.optim.AdamW`")
    }
    train.set("optimizer.type", text: type, at: arguments.located(key), "optimizer: \(name)")
    if arguments.isGiven("optimizer.weight_decay") {
      train.set("optimizer.weight_decay", from: "optimizer.weight_decay", of: arguments)
    } else if name.contains("AdamW") {
      train.set("optimizer.weight_decay", text: "0.01", at: arguments.located(key), "PyTorch's default of \(name)")
    }
    for (field, key) in [
      ("betas", "optimizer.betas"), ("epsilon", "optimizer.eps"), ("momentum", "optimizer.momentum"),
    ]
    where arguments.isGiven(key) {
      train.set("optimizer.\(field)", arguments.located(key), key)
    }
    if arguments.isGiven("clip_grad_norm") {
      train.set("max_grad_norm", from: "clip_grad_norm", of: arguments)
    } else {
      train.set(
        "max_grad_norm", text: "1.0e30", at: arguments.located("clip_grad_norm"),
        "clip_grad_norm is null: none is reached")
    }
  }

  /// Fields of the stage that measuring has too.
  private func setLoss(_ node: inout Sketch.Node) {
    switch stage {
    case "dpo":
      let value = arguments.located("loss._component_")
      let isHinge = component("loss._component_") == "RSOLoss"
      node.set("loss", value.with(list: [value.with(text: isHinge ? "hinge" : "sigmoid")]), "loss")
      node.set("beta", from: isHinge ? "loss.gamma" : "loss.beta", of: arguments)
      if !isHinge, arguments.isGiven("loss.label_smoothing") {
        node.set("label_smoothing", from: "loss.label_smoothing", of: arguments)
      }
    case "distillation":
      let key = "kd_loss._component_"
      let name = component(key) ?? "ForwardKLLoss"
      node.set("teacher_scores", text: "all", at: arguments.located(key), "the teacher's whole distribution, as there")
      if name.hasPrefix("Symmetric") {
        refuse(key, "the divergence is one of `forward` and `reverse`", try: "`ForwardKLWithChunkedOutputLoss`")
      }
      node.set(
        "divergence", text: name.hasPrefix("Reverse") ? "reverse" : "forward", at: arguments.located(key), "kd_loss")
      if let ratio = arguments.number("kd_ratio") {
        node.set("label_weight", text: "\(1 - ratio)", at: arguments.located("kd_ratio"), "1 − kd_ratio")
      }
    default: break
    }
  }

  private func setRun(_ train: inout Sketch.Node) {
    train.set("shuffle", from: "shuffle", of: arguments)
    setSeed(&train)
    train.set("log_every", from: "log_every_n_steps", of: arguments)
    if arguments.bool("enable_activation_checkpointing") {
      train.set(
        "recompute", text: "block", at: arguments.located("enable_activation_checkpointing"),
        "enable_activation_checkpointing")
    }
    if component("metric_logger._component_") == "TensorBoardLogger" {
      let value = arguments.located("metric_logger._component_")
      train.set("report_to", value.with(list: [value.with(text: "tensorboard")]), "metric_logger")
    }
    if arguments.bool("resume_from_checkpoint") {
      refuse(
        "resume_from_checkpoint", "it is a checkpoint of torchtune's; a run here goes on from its own, by itself")
    }
  }
}
