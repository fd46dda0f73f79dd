import Diagnostics
import Pipeline

/// Schedules of the learning rate as transformers names them, and programs that pass the names on.
extension ForeignExpander {
  /// Sets the schedule that a key names, with its warm-up and what `lr_scheduler_kwargs` says.
  func setSchedule(_ train: inout Sketch.Node, _ key: String) {
    let value = arguments.located(key)
    guard let name = arguments.text(key) else { return }
    guard let schedule = ScheduleName.all[name] else {
      if name == "cosine_warmup_with_min_lr" {
        return refuse(key, "its warm-up begins above zero, as none here does", try: "`cosine_with_min_lr`")
      }
      return report(.unknownChoice(name, among: ScheduleName.all.keys.sorted()), at: value, key)
    }
    train.set("schedule.type", text: schedule.type, at: value, origin(key))
    setWarmup(&train, schedule, name)
    let given = scheduleArguments()
    if name == "polynomial", !given.contains(where: { $0.name == "lr_end" }) {
      setRate("min_lr_rate", LocatedValue(scalar: "1e-7", at: value.mark), &train, "lr_end 1e-7, transformers' default")
    }
    if name == "warmup_stable_decay", !given.contains(where: { $0.name == "num_decay_steps" }) {
      setDecay(&train)
    }
    for (name, value) in given {
      switch schedule.arguments[name] {
      case .field(let field)?: train.set("schedule.\(field)", value, "lr_scheduler_kwargs.\(name)")
      case .rate(let field)?: setRate(field, value, &train, "lr_scheduler_kwargs.\(name) ÷ learning_rate")
      case .implied?: arguments.note("lr_scheduler_kwargs", "`\(name)` is what the other steps leave")
      case nil:
        report(
          .unknownChoice(name, among: schedule.arguments.keys.sorted()), at: value, "lr_scheduler_kwargs.\(name)")
      }
    }
  }

  /// A key, and whether its value is the program's default.
  func origin(_ key: String) -> String {
    arguments.isGiven(key) ? key : "\(key), \(arguments.table.program)'s default"
  }

  /// The map of `lr_scheduler_kwargs`, which may be a text with one.
  private func scheduleArguments() -> [(name: String, value: LocatedValue)] {
    guard arguments.isGiven("lr_scheduler_kwargs") else { return [] }
    let value = arguments.located("lr_scheduler_kwargs")
    var map = value
    if let text = value.scalarText, let read = try? YAMLText(bytes: Array(text.utf8), file: value.mark.place.file) {
      map = read.tree
    }
    guard case .map(let pairs) = map.content else {
      report(.unknownChoice(value.writtenText, among: ["{num_cycles: 1}"]), at: value, "lr_scheduler_kwargs")
      return []
    }
    return pairs.filter { !$0.value.isNull }.map { pair in
      var inner = pair.value
      if value.scalarText != nil { inner.mark = value.mark }
      return (pair.key.text, inner)
    }
  }

  /// The length of the warm-up that the keys give; steps go before a share.
  func setGivenWarmup(_ train: inout Sketch.Node, _ schedule: ScheduleName, _ name: String) {
    let key = (arguments.integer("warmup_steps") ?? 0) > 0 ? "warmup_steps" : "warmup_ratio"
    guard let length = arguments.number(key), length > 0 else { return }
    if !schedule.warms { return arguments.note(key, "`\(name)` has no warm-up") }
    train.set("schedule.\(key)", from: key, of: arguments)
  }

  private func setRate(_ field: String, _ value: LocatedValue, _ train: inout Sketch.Node, _ comment: String) {
    guard let peak = arguments.number("learning_rate"), peak > 0,
      let rate = try? value.number(path: "lr_scheduler_kwargs")
    else { return train.set("schedule.\(field)", value, comment) }
    train.set("schedule.\(field)", text: "\(rate / peak)", at: value, comment)
  }
}
