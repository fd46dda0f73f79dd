import LanguageModels
import Pipeline
import Training

/// The fields of `train`, whatever the stage.
package struct TrainFields: FieldSet {
  package struct Schedule: TunableGroup {
    var type = CosineSchedule.name
    var warmupRatio: Double?
    var warmupSteps: Int?
    var constants: [String: any Tunable] = [:]

    package init() {}

    static var kinds: [any Tunable.Type] { scheduleKinds }
    private static let warm = FieldCondition.when("type", scheduleKinds.filter { $0.warmsUp }.map { $0.name })

    package static let fields: [Field<Self>] =
      [
        Field("type", \.type, kind: .choice(kinds.map { $0.name }), doc: typeDoc),
        Field(
          "warmup_ratio", \.warmupRatio, in: 0...1.0, unit: "share of all steps", for: warm,
          doc: "Length of the warm-up"),
        Field("warmup_steps", \.warmupSteps, in: 0..., unit: "steps", for: warm, doc: "Length of the warm-up"),
      ] + constantFields
  }

  package struct Optimizer: TunableGroup {
    var type = AdamWSettings.name
    var weightDecay = 0.0
    var constants: [String: any Tunable] = [:]

    package init() {}

    static var kinds: [any Tunable.Type] { optimizerKinds }

    package static let fields: [Field<Self>] =
      [
        Field("type", \.type, kind: .choice(kinds.map { $0.name }), doc: typeDoc),
        Field("weight_decay", \.weightDecay, in: 0.0..., doc: "Pull towards zero; norms and biases are left alone"),
      ] + constantFields
  }

  var stage = StageName(SupervisedTuning.self)
  /// What the stages have of their own.
  var own = StageFields()
  var epochs: Double?
  var maxSteps: Int?
  var maxTokens: Int?
  var batchSize = 8
  var learningRate = 1e-4
  var schedule = Schedule()
  var optimizer = Optimizer()
  var maxGradNorm = 1.0
  var routerBalance = 0.0
  var shuffle = true
  var seed = 42
  var logEvery = 1
  var saveEvery = 50
  var evaluateEvery: Int?
  var recompute = Recomputation.none
  var threads: Int?

  package init() {}

  package static let fields: [Field<Self>] =
    [
      Field(
        "stage", \.stage, doc: trainingStages.map { "`\($0.name)` \($0.doc)" }.joined(separator: "; ")),
      Field("epochs", \.epochs, in: .above(0, atMost: 1e6), doc: "Passes over the rows; 1 unless a length is given"),
      Field(
        "max_steps", \.maxSteps, in: 1...1_000_000_000, unit: "steps",
        doc: "Length in optimizer steps, instead of `epochs`"),
      Field(
        "max_tokens", \.maxTokens, in: 1...1_000_000_000_000_000, unit: "tokens",
        doc: "Length in tokens seen, instead of `epochs`"),
      Field(
        "batch_size", \.batchSize, in: 1...1_000_000, unit: "rows",
        doc:
          "Rows one optimizer step covers; how they are laid out is the program's business and never changes the loss"),
      Field("learning_rate", \.learningRate, in: 0.0..., doc: "Peak of the schedule"),
      Field("schedule", \.schedule, doc: "How the learning rate moves"),
      Field("optimizer", \.optimizer, doc: "How gradients become changes"),
      Field(
        "max_grad_norm", \.maxGradNorm, in: .above(0), doc: "Gradients together longer than this are shortened to it"),
      Field(
        "router_aux_loss_coef", \.routerBalance, in: 0.0...,
        doc:
          "Models with experts: how much the loss for even routing counts, over the tokens that are computed; 0 leaves it "
          + "out, as transformers does by default"),
      Field("shuffle", \.shuffle, doc: "Takes the rows of each pass in an order of its own"),
      Field("seed", \.seed, in: 0..., doc: "Decides the order of rows and what dropout drops"),
      Field("log_every", \.logEvery, in: 1..., unit: "steps", doc: "Steps that a line of `metrics.jsonl` covers"),
      Field(
        "save_every", \.saveEvery, in: 1..., unit: "steps", role: .speed,
        doc: "Steps between checkpoints, from which a killed training goes on"),
      Field(
        "evaluate_every", \.evaluateEvery, in: 1..., unit: "steps",
        doc: "Steps between evaluations on the rows at `validation`"),
      Field(
        "recompute", \.recompute, role: .speed,
        doc: "What of the forward pass is computed again instead of kept; takes less memory and more time and changes "
          + "nothing else: `attention` each block up to its attention, `block` all of it (gradient checkpointing, "
          + "arXiv:1604.06174)"),
      Field(
        "threads", \.threads, in: 1...128, role: .speed, doc: "Threads to compute with; the result never depends on it"),
    ] + stageFields(get: { $0.own }, set: { $0.own = $1 })
}

extension Recomputation: FieldChoice {}

extension TrainFields.Optimizer {
  var settings: any OptimizerSettings { chosen as? any OptimizerSettings ?? AdamWSettings() }
}

extension TrainFields.Schedule {
  var settings: LearningRateSchedule {
    let warmup: LearningRateSchedule.Warmup = warmupSteps.map { .steps($0) } ?? .ratio(warmupRatio ?? 0)
    return LearningRateSchedule(of: chosen as? any Schedule ?? CosineSchedule(), warmup: warmup)
  }
}

extension TrainFields {
  var length: TrainingSettings.Length {
    if let maxSteps { return .steps(maxSteps) }
    if let maxTokens { return .tokens(maxTokens) }
    return .epochs(epochs ?? 1)
  }

  var settings: TrainingSettings {
    TrainingSettings(
      length: length, batchSize: batchSize, learningRate: learningRate, schedule: schedule.settings,
      optimizer: optimizer.settings, weightDecay: optimizer.weightDecay,
      maxGradNorm: maxGradNorm, routerBalance: routerBalance, shuffle: shuffle, seed: UInt64(seed), logEvery: logEvery,
      saveEvery: saveEvery,
      evaluateEvery: evaluateEvery)
  }

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
    conflicts += optimizer.conflicts(at: "optimizer") + schedule.conflicts(at: "schedule")
    let rates = schedule.settings.schedule
    if type(of: rates).followsHeldOutLoss, evaluateEvery == nil {
      conflicts.append(
        .init(
          port: "schedule", "`\(schedule.type)` goes by the loss on held-out rows, which is not measured",
          advice: "say how often with `evaluate_every`"))
    }
    if type(of: optimizer.settings).replacesSchedule, !(rates is ConstantSchedule), !written.contains("schedule.type") {
      conflicts.append(
        .init(
          port: "optimizer", "`\(optimizer.type)` takes the place of a schedule",
          reason: "the rate would fall along a \(schedule.type) beside it", advice: "say `schedule: {type: constant}`"))
    }
    return conflicts
  }
}
