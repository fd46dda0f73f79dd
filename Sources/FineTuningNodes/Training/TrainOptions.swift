import Diagnostics
import Pipeline
import Training

extension TrainFields {
  /// One of `groups`: what holds for the parameters whose names match.
  package struct Group: FieldGroup {
    var match: String?
    var isFrozen = false
    var factor: Double?
    var peak: Double?
    var weightDecay: Double?

    package init() {}

    private static let moves = FieldCondition.when("frozen", ["false"])

    package static let fields: [Field<Self>] = [
      Field(
        "match", \.match, required: true,
        doc: "A regular expression that is found in the names of its parameters: `layers\\.[0-3]\\.`, `embed_tokens`"),
      Field("frozen", \.isFrozen, doc: "Leaves them as they are; they get no gradient"),
      Field(
        "learning_rate_factor", \.factor, in: .above(0), for: moves,
        doc: "What the rate of the others is multiplied with"
      ),
      Field(
        "learning_rate", \.peak, in: .above(0), for: moves.and(.without("learning_rate_factor")),
        doc: "A peak of their own, on the same schedule"),
      Field(
        "weight_decay", \.weightDecay, in: 0.0..., for: moves,
        doc: "Their pull towards zero, of norms and biases too; the optimizer's unless given"),
    ]

    var rule: ParameterRules.Rule {
      let rate = factor.map(GroupRate.factor) ?? peak.map(GroupRate.peak)
      return ParameterRules.Rule(match ?? "", rate: rate, weightDecay: weightDecay, isFrozen: isFrozen)
    }
  }

  /// `early_stopping`.
  package struct Stopping: FieldGroup {
    var patience = 3
    var difference = 0.0

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "patience", \.patience, in: 1...1_000_000, unit: "evaluations",
        doc: "How many in a row may bring nothing better before it ends"),
      Field(
        "min_delta", \.difference, in: 0.0..., doc: "How much better than the best a value must be to count"),
    ]

    var settings: EarlyStopping { EarlyStopping(patience: patience, difference: difference) }
  }

  /// `ema`.
  package struct Average: FieldGroup {
    var decay = 0.999
    var warmup = true

    package init() {}

    package static let fields: [Field<Self>] = [
      Field(
        "decay", \.decay, in: 0.0..<1,
        doc: "How much of the average stays in a step"),
      Field(
        "warmup", \.warmup,
        doc: "Whether in step t no more stays than (1 + t) / (10 + t), so that the first steps weigh little at the end"),
    ]

    var settings: AverageSettings { AverageSettings(decay: decay, warmsUp: warmup) }
  }

  /// `samples`.
  package struct Samples: FieldGroup {
    var every = 100
    var prompts = 2
    var maxTokens = 64

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("every", \.every, in: 1...1_000_000_000, unit: "steps", doc: "How often the model is asked"),
      Field("prompts", \.prompts, in: 1...1000, doc: "How many prompts it is asked, the first ones of the rows"),
      Field("max_tokens", \.maxTokens, in: 1...1_048_576, unit: "tokens", doc: "The longest answer"),
    ]

    var settings: TrainSamples.Settings {
      TrainSamples.Settings(every: every, prompts: prompts, maximumTokens: maxTokens)
    }
  }

  /// `loss_watchdog`.
  package struct Watchdog: FieldGroup {
    var factor = 3.0
    var steps = 10
    var action = LossWatchdog.Action.stop

    package init() {}

    package static let fields: [Field<Self>] = [
      Field("factor", \.factor, in: .above(1), doc: "How many times the median of the steps before is too much"),
      Field("steps", \.steps, in: 1...1_000_000, unit: "steps", doc: "How many in a row it has to be"),
      Field("action", \.action, doc: "`stop` fails the node, whose checkpoints stay; `warn` goes on"),
    ]

    var settings: LossWatchdog { LossWatchdog(factor: factor, steps: steps, action: action) }
  }

  /// What the metrics hold beside `metrics.jsonl` and the picture of the loss.
  package enum Report: String, FieldChoice {
    case tensorboard
    case trainerState = "trainer_state"
    case curves
  }

  /// Which weights become the result.
  package enum Kept: String, FieldChoice {
    case last
    case best
  }
}

extension LossWatchdog.Action: FieldChoice {}
extension HeldOutMeasure.Goal: FieldChoice {}

extension TrainFields {
  var rules: ParameterRules {
    var rules = ParameterRules()
    rules.rules = groups.map(\.rule)
    rules.embeddingRate = embeddingFactor.map(GroupRate.factor) ?? embeddingRate.map(GroupRate.peak)
    rules.loraPlusRatio = loraPlusRatio
    return rules
  }

  var measure: HeldOutMeasure {
    HeldOutMeasure(bestMeasure, bestGoal ?? Self.goal(of: bestMeasure) ?? .lower)
  }

  /// What the stage tells of held-out rows, where `best_measure` is not among it.
  private func unknownMeasure() -> [String]? {
    func names<Declaration: StageDeclaration>(_ stage: Declaration.Type) -> [String] {
      ["loss"] + Declaration.Measured.measureNames
    }
    let known = names(stage.declaration)
    let isKnown = known.contains { $0.hasSuffix("*") ? bestMeasure.hasPrefix($0.dropLast()) : bestMeasure == $0 }
    return isKnown ? nil : known
  }

  /// Where a measure's name says which of its values are better.
  private static func goal(of measure: String) -> HeldOutMeasure.Goal? {
    if ["loss", "nll"].contains(measure) { return .lower }
    return ["accuracy", "margin"].contains { measure.contains($0) } ? .higher : nil
  }

  /// What is wrong with fields that hang on evaluations, on groups and on averages.
  func optionConflicts(written: Set<String>) -> [Inference.Conflict] {
    var conflicts: [Inference.Conflict] = []
    let goesByBest = earlyStopping != nil || keep == .best
    let wanting = [
      ("early_stopping", earlyStopping != nil), ("keep", keep == .best), ("evaluate_first", evaluateFirst),
    ]
    if evaluateEvery == nil {
      for (name, _) in wanting.filter(\.1) {
        conflicts.append(
          .init(
            port: name, "`\(name)` goes by evaluations on held-out rows, of which there are none",
            advice: "say how often with `evaluate_every`"))
      }
    }
    if !goesByBest {
      for name in ["best_measure", "best_goal"] where written.contains(name) {
        conflicts.append(
          .init(port: name, "`\(name)` has no effect without `early_stopping` and without `keep: best`"))
      }
    } else if let known = unknownMeasure() {
      conflicts.append(
        .init(
          port: "best_measure", "`\(stage.rawValue)` tells no `\(bestMeasure)` of held-out rows",
          reason: "it tells [\(known.joined(separator: ", "))]",
          advice: nearestName(to: bestMeasure, among: known).map { "did you mean `\($0)`?" }))
    } else if bestGoal == nil, Self.goal(of: bestMeasure) == nil {
      conflicts.append(
        .init(
          port: "best_measure", "Nothing says whether a higher `\(bestMeasure)` is better or a lower one",
          advice: "say `best_goal: higher` or `best_goal: lower`"))
    }
    for (index, group) in groups.enumerated() where (try? Regex(group.match ?? "")) == nil {
      conflicts.append(
        .init(port: "groups", "`\(group.match ?? "")` is no regular expression", reason: "in group \(index + 1)"))
    }
    if learningRate == 0, groups.contains(where: { $0.peak != nil }) || embeddingRate != nil {
      conflicts.append(
        .init(
          port: "learning_rate", "Groups have a `learning_rate` of their own, but the schedule is of a peak of 0",
          advice: "give `learning_rate` a number above 0, and say `frozen: true` of what is to stay"))
    }
    if ema != nil, type(of: optimizer.settings).replacesSchedule {
      conflicts.append(
        .init(
          port: "ema", "`\(optimizer.type)` takes an average of all steps by itself",
          advice: "leave `ema` out, or choose another optimizer"))
    }
    return conflicts
  }
}
