import PreciseJSON

/// What a training knows between two steps beside its tensors.
struct TrainingState {
  /// Steps done.
  var step = 0
  /// Tokens and label tokens since the start.
  var tokens = 0
  var labelTokens = 0
  /// Time spent in steps since the start, in seconds.
  var seconds = 0.0
  /// The same with evaluations and saving, where the length goes by it.
  var elapsed = 0.0
  /// The best evaluation so far, where the result is what was found there.
  var best: BestWeights.Found?
  /// What the watchdog remembers.
  var watchdog = LossWatchdog.Memory()
  /// What was noticed so far.
  var watch = TrainingWatch()
  /// What the next record will cover.
  var window = MetricsWindow()
  /// What the stage remembers.
  var stage = JSON.null
  /// All records so far.
  var metrics: [JSON] = []

  init() {}

  var json: JSON {
    [
      "step": JSON(step), "tokens": JSON(tokens), "label_tokens": JSON(labelTokens), "seconds": JSON(seconds),
      "watch": watch.json, "window": window.json, "stage": stage,
      "metrics": .array(metrics), "elapsed": JSON(elapsed), "best": best?.json ?? .null, "watchdog": watchdog.json,
    ]
  }

  init?(json: JSON) {
    guard let step = json["step"]?.int, step >= 0, let tokens = json["tokens"]?.int,
      let labelTokens = json["label_tokens"]?.int, let seconds = json["seconds"]?.double,
      let watch = json["watch"].flatMap(TrainingWatch.init(json:)),
      let window = json["window"].flatMap(MetricsWindow.init(json:)), let stage = json["stage"],
      let metrics = json["metrics"]?.array, let elapsed = json["elapsed"]?.double, let best = json["best"],
      let watchdog = json["watchdog"].flatMap(LossWatchdog.Memory.init(json:))
    else { return nil }
    self.step = step
    self.tokens = tokens
    self.labelTokens = labelTokens
    self.seconds = seconds
    self.watch = watch
    self.window = window
    self.stage = stage
    self.metrics = metrics
    self.elapsed = elapsed
    self.best = BestWeights.Found(json: best)
    self.watchdog = watchdog
  }
}
