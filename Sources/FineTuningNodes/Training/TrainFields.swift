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
  var maxTime: Seconds?
  var batchSize = 8
  var batchTokens: Int?
  var learningRate = 1e-4
  var schedule = Schedule()
  var optimizer = Optimizer()
  var trainable: Trainable?
  var groups: [Group] = []
  var embeddingFactor: Double?
  var embeddingRate: Double?
  var loraPlusRatio: Double?
  var maxGradNorm = 1.0
  var maxGradValue: Double?
  var routerBalance = 0.0
  var shuffle = true
  var seed = 42
  var logEvery = 1
  var saveEvery = 50
  var keepCheckpoints = 2
  var evaluateEvery: Int?
  var evaluateFirst = false
  var earlyStopping: Stopping?
  var keep = Kept.last
  var bestMeasure = "loss"
  var bestGoal: HeldOutMeasure.Goal?
  var ema: Average?
  var samples: Samples?
  var lossWatchdog: Watchdog?
  var reportTo: [Report] = []
  var recompute = Recomputation.none
  var threads: Int?

  package init() {}

  /// What is learned, for how long, by which rate.
  private static let howLong: [Field<Self>] = [
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
      "max_time", \.maxTime, since: Birth(default: nil),
      doc: "Ends it after the step in which this time is over, evaluations and saving included, if its length is not "
        + "reached before; what a clock ends no other run may repeat"),
    Field(
      "batch_size", \.batchSize, in: 1...1_000_000, unit: "rows", for: .without("batch_tokens"),
      doc:
        "Rows one optimizer step covers; how they are laid out is the program's business and never changes the loss"),
    Field(
      "batch_tokens", \.batchTokens, in: 1...1_000_000_000, unit: "tokens", since: Birth(default: nil),
      doc: "A step takes rows while they have no more tokens than this together, and one at least, instead of "
        + "`batch_size`"),
    Field("learning_rate", \.learningRate, in: 0.0..., doc: "Peak of the schedule"),
    Field("schedule", \.schedule, doc: "How the learning rate moves"),
    Field("optimizer", \.optimizer, doc: "How gradients become changes"),
  ]

  /// What becomes of gradients.
  private static let howMoved: [Field<Self>] = [
    Field(
      "trainable", \.trainable, since: Birth(default: nil),
      doc: "Trains a part of the model's own weights and leaves the others as they are; all of them unless given"),
    Field(
      "groups", \.groups, since: Birth(default: []),
      doc: "Parameters that are trained at another rate, decay otherwise or stay as they are; the first group that "
        + "matches a name holds"),
    Field(
      "embedding_learning_rate_factor", \.embeddingFactor, in: .above(0), since: Birth(default: nil),
      doc: "What the rate of tables of embeddings is multiplied with, where no group matches them"),
    Field(
      "embedding_learning_rate", \.embeddingRate, in: .above(0), since: Birth(default: nil),
      for: .without("embedding_learning_rate_factor"), doc: "A peak of their own, on the same schedule"),
    Field(
      "lora_plus_ratio", \.loraPlusRatio, in: .above(0), since: Birth(default: nil),
      doc:
        "LoRA+ (arXiv:2402.12354): what the rate of every `lora_B` is multiplied with, and of vectors as PEFT does, "
        + "where no group matches them; 16 is usual"),
    Field(
      "max_grad_norm", \.maxGradNorm, in: .above(0), doc: "Gradients together longer than this are shortened to it"),
    Field(
      "max_grad_value", \.maxGradValue, in: .above(0), since: Birth(default: nil),
      doc: "Elements of gradients beyond this are brought to it, before `max_grad_norm` looks at them"),
    Field(
      "router_aux_loss_coef", \.routerBalance, in: 0.0...,
      doc:
        "Models with experts: how much the loss for even routing counts, over the tokens that are computed; 0 leaves it "
        + "out, as transformers does by default"),
    Field("shuffle", \.shuffle, doc: "Takes the rows of each pass in an order of its own"),
    Field("seed", \.seed, in: 0..., doc: "Decides the order of rows and what dropout drops"),
  ]

  /// What is told, kept and measured on the way, and how it is computed.
  private static let howWatched: [Field<Self>] = [
    Field("log_every", \.logEvery, in: 1..., unit: "steps", doc: "Steps that a line of `metrics.jsonl` covers"),
    Field(
      "save_every", \.saveEvery, in: 1..., unit: "steps", role: .speed,
      doc: "Steps between checkpoints, from which a killed training goes on"),
    Field(
      "keep_checkpoints", \.keepCheckpoints, in: 1...1_000, role: .speed,
      doc: "How many of them are kept while it runs, the newest"),
    Field(
      "evaluate_every", \.evaluateEvery, in: 1..., unit: "steps",
      doc: "Steps between evaluations on the rows at `validation`"),
    Field(
      "evaluate_first", \.evaluateFirst, since: Birth(default: false),
      doc: "Evaluates before the first step too, as step 0"),
    Field(
      "early_stopping", \.earlyStopping, since: Birth(default: nil),
      doc: "Ends it when evaluations find nothing better by `best_measure`"),
    Field(
      "keep", \.keep, since: Birth(default: .last),
      doc: "The weights that become the result: those after the `last` step, or those of the evaluation that was the "
        + "`best` by `best_measure`"),
    Field(
      "best_measure", \.bestMeasure, since: Birth(default: "loss"),
      doc: "The number of evaluations that says which weights are better: `loss`, or a measure of the stage such as "
        + "`rewards_accuracy`"),
    Field(
      "best_goal", \.bestGoal, since: Birth(default: nil),
      doc: "Which values of it are better; known of losses, accuracies and margins"),
    Field(
      "samples", \.samples, since: Birth(default: nil),
      doc:
        "Lets the model answer prompts of the held-out rows, or else of the rows, while it learns: the likeliest tokens, in "
        + "the log and in `samples.jsonl` of the metrics"),
    Field(
      "ema", \.ema, since: Birth(default: nil),
      doc: "Evaluates and gives an exponential moving average of the weights in place of the last ones"),
    Field(
      "loss_watchdog", \.lossWatchdog, since: Birth(default: nil),
      doc: "Watches for a loss that has run away; one that is no finite number always ends a training"),
    Field(
      "report_to", \.reportTo, since: Birth(default: []),
      doc: "What `metrics` holds beside: `tensorboard` an event file for TensorBoard; `trainer_state` the "
        + "`trainer_state.json` of transformers' Trainer; `curves` a page with a curve of every number"),
    Field(
      "recompute", \.recompute, role: .speed,
      doc: "What of the forward pass is computed again instead of kept; takes less memory and more time and changes "
        + "nothing else: `attention` each block up to its attention, `block` all of it (gradient checkpointing, "
        + "arXiv:1604.06174)"),
    Field(
      "threads", \.threads, in: 1...128, role: .speed, doc: "Threads to compute with; the result never depends on it"),
  ]

  package static let fields: [Field<Self>] =
    howLong + howMoved + howWatched + stageFields(get: { $0.own }, set: { $0.own = $1 })
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
    var settings = TrainingSettings(
      length: length, batchSize: batchSize, learningRate: learningRate, schedule: schedule.settings,
      optimizer: optimizer.settings, weightDecay: optimizer.weightDecay,
      maxGradNorm: maxGradNorm, routerBalance: routerBalance, shuffle: shuffle, seed: UInt64(seed), logEvery: logEvery,
      saveEvery: saveEvery,
      evaluateEvery: evaluateEvery)
    settings.maxSeconds = maxTime?.value
    settings.batchTokens = batchTokens
    settings.rules = rules
    settings.maxGradValue = maxGradValue
    settings.evaluateFirst = evaluateFirst
    settings.measure = measure
    settings.earlyStopping = earlyStopping?.settings
    settings.keepsBest = keep == .best
    settings.average = ema?.settings
    settings.sampleEvery = samples?.settings.every
    settings.watchdog = lossWatchdog?.settings
    return settings
  }
}
