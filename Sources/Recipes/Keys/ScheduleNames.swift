/// What transformers calls learning-rate schedules, and what `schedule.type` does.
struct ScheduleName {
  /// An argument of a schedule.
  enum Argument {
    /// A field of the same meaning.
    case field(String)
    /// A rate, which becomes a share of the peak.
    case rate(String)
    /// It follows from other arguments.
    case implied
  }

  var type: String
  var arguments: [String: Argument] = [:]
  var warms = true

  static let all: [String: ScheduleName] = [
    "constant": ScheduleName(type: "constant", warms: false),
    "constant_with_warmup": ScheduleName(type: "constant"),
    "linear": ScheduleName(type: "linear"),
    "cosine": ScheduleName(type: "cosine", arguments: ["num_cycles": .field("num_cycles")]),
    "cosine_with_restarts": ScheduleName(
      type: "cosine_with_restarts", arguments: ["num_cycles": .field("num_cycles")]),
    "cosine_with_min_lr": ScheduleName(
      type: "cosine",
      arguments: [
        "num_cycles": .field("num_cycles"), "min_lr": .rate("min_lr_rate"), "min_lr_rate": .field("min_lr_rate"),
      ]),
    "polynomial": ScheduleName(
      type: "polynomial", arguments: ["lr_end": .rate("min_lr_rate"), "power": .field("power")]),
    "inverse_sqrt": ScheduleName(type: "inverse_sqrt", arguments: ["timescale": .field("timescale")]),
    "warmup_stable_decay": ScheduleName(
      type: "warmup_stable_decay",
      arguments: [
        "num_decay_steps": .field("decay_steps"), "num_stable_steps": .implied, "warmup_type": .field("warmup_type"),
        "decay_type": .field("decay_type"), "min_lr_ratio": .field("min_lr_rate"),
      ]),
    "reduce_lr_on_plateau": ScheduleName(
      type: "reduce_lr_on_plateau",
      arguments: [
        "factor": .field("factor"), "patience": .field("patience"), "threshold": .field("threshold"),
        "threshold_mode": .field("threshold_mode"), "cooldown": .field("cooldown"), "min_lr": .rate("min_lr_rate"),
      ], warms: false),
  ]
}
