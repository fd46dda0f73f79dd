import LanguageModels
import Pipeline
import Training

extension TrainFields {
  /// Fields that contradict each other.
  ///
  /// - Parameter written: Those that are given; see `InputTypes.written`.
  func conflicts(written: Set<String>) -> [Inference.Conflict] {
    var conflicts: [Inference.Conflict] = []
    let lengths = [("epochs", epochs != nil), ("max_steps", maxSteps != nil), ("max_tokens", maxTokens != nil)]
    let given = lengths.filter(\.1).map(\.0)
    if given.count > 1 {
      conflicts.append(
        .init(
          port: given[1], "`\(given[0])` and `\(given[1])` both say how long to train", advice: "keep one of them"))
    }
    if schedule.warmupRatio != nil, schedule.warmupSteps != nil {
      conflicts.append(
        .init(
          port: "schedule", "`warmup_ratio` and `warmup_steps` both say how long to warm up",
          advice: "keep one of them"))
    }
    if let steps = schedule.warmupSteps, let maxSteps, steps > maxSteps {
      conflicts.append(
        .init(
          port: "schedule", "The warm-up has \(steps) steps, the training \(maxSteps): the rate never reaches its peak",
          advice: "shorten `warmup_steps`"))
    }
    if let stable = schedule.settings.schedule as? StableSchedule, stable.decaySteps == nil,
      let share = schedule.warmupRatio, share + stable.decayRatio > 1
    {
      conflicts.append(
        .init(
          port: "schedule", "Warm-up and fall are longer than the training together",
          reason: "`warmup_ratio` is \(share), `decay_ratio` \(stable.decayRatio)", advice: "shorten one of them"))
    }
    conflicts += optimizer.conflicts(at: "optimizer") + schedule.conflicts(at: "schedule")
    let rates = schedule.settings.schedule
    if type(of: rates).followsHeldOutLoss, evaluateEvery == nil {
      conflicts.append(
        .init(
          port: "schedule", "`\(schedule.type)` goes by the loss on held-out rows, which is not measured",
          advice: "say how often with `evaluate_every`"))
    }
    if optimizer.settings.ignoresRate {
      for name in ["learning_rate", "schedule.type"] where written.contains(name) {
        conflicts.append(
          .init(
            port: name.hasPrefix("schedule") ? "schedule" : name,
            "`\(name.hasPrefix("schedule") ? "schedule" : name)` has no effect: `\(optimizer.type)` takes a rate of its own",
            reason: "`relative_step` is on", advice: "leave one of them out"))
      }
    }
    if type(of: optimizer.settings).replacesSchedule, !(rates is ConstantSchedule), !written.contains("schedule.type") {
      conflicts.append(
        .init(
          port: "optimizer", "`\(optimizer.type)` takes the place of a schedule",
          reason: "the rate would fall along a \(schedule.type) beside it", advice: "say `schedule: {type: constant}`"))
    }
    return conflicts + optionConflicts(written: written)
  }
}
