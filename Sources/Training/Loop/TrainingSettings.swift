/// What decides the result of a training, apart from the model, the data and the stage.
package struct TrainingSettings: Sendable {
  /// When a training ends.
  package enum Length: Sendable, Hashable {
    /// Passes over the rows; a fraction ends inside a pass, after ⌈epochs · steps of a pass⌉ steps.
    case epochs(Double)
    case steps(Int)
    /// Ends with the step that brings the tokens of all rows seen to this number.
    case tokens(Int)
  }

  package var length: Length
  /// Ends it after the step in which so many seconds are over, evaluations and saving included; nil never does.
  package var maxSeconds: Double?
  /// Rows of an optimizer step; the last step of a pass takes what is left.
  package var batchSize: Int
  /// Takes as many rows for a step as have no more than so many tokens together, instead of ``batchSize``.
  package var batchTokens: Int?
  /// The peak of the schedule.
  package var learningRate: Double
  package var schedule: LearningRateSchedule
  package var optimizer: any OptimizerSettings
  /// Pull towards zero; leaves norms and biases alone, as Hugging Face's Trainer does.
  package var weightDecay: Double
  /// Gradients together longer than this are shortened to it; nil leaves them.
  package var maxGradNorm: Double?
  /// Every element of a gradient is brought between this and its negative first; nil leaves them.
  package var maxGradValue: Double?
  /// Which parameters are treated in a way of their own.
  package var rules = ParameterRules()
  /// Trains the blocks of the model in turns; nil trains all of them at once.
  package var draw: BlockDraw?
  /// How much the loss for even routing counts beside the other, in models with experts; 0 leaves it out.
  package var routerBalance: Double
  /// Whether each pass takes the rows in an order of its own.
  package var shuffle: Bool
  package var seed: UInt64
  /// Steps a metrics record covers.
  package var logEvery: Int
  /// Steps between checkpoints; nil saves only when interrupted.
  package var saveEvery: Int?
  /// Steps between evaluations; nil never evaluates.
  package var evaluateEvery: Int?
  /// Whether there is one before the first step.
  package var evaluateFirst = false
  /// The number of evaluations that ``earlyStopping`` and ``keepsBest`` go by.
  package var measure = HeldOutMeasure()
  /// Ends it when evaluations find nothing better; nil never does.
  package var earlyStopping: EarlyStopping?
  /// Whether the result is what was best in an evaluation, instead of what the last step made.
  package var keepsBest = false
  /// Steps between two looks at what the model answers; none when nil.
  package var sampleEvery: Int?
  /// An average of the weights that is evaluated and becomes the result; nil takes the weights themselves.
  package var average: AverageSettings?
  /// Watches the loss; nil does not.
  package var watchdog: LossWatchdog?
  /// The most tokens computed together; a longer row is computed alone.
  ///
  /// Bounds memory; changes the result by rounding only.
  package var tokenBudget: Int

  /// ``tokenBudget-swift.property`` unless told otherwise.
  package static let tokenBudget = 1024

  package init(
    length: Length, batchSize: Int, learningRate: Double,
    schedule: LearningRateSchedule = LearningRateSchedule(.cosine), optimizer: any OptimizerSettings = AdamWSettings(),
    weightDecay: Double = 0, maxGradNorm: Double? = 1, routerBalance: Double = 0, shuffle: Bool = true,
    seed: UInt64 = 42,
    logEvery: Int = 1, saveEvery: Int? = nil, evaluateEvery: Int? = nil, tokenBudget: Int = Self.tokenBudget
  ) {
    self.length = length
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.schedule = schedule
    self.optimizer = optimizer
    self.weightDecay = weightDecay
    self.maxGradNorm = maxGradNorm
    self.routerBalance = routerBalance
    self.shuffle = shuffle
    self.seed = seed
    self.logEvery = logEvery
    self.saveEvery = saveEvery
    self.evaluateEvery = evaluateEvery
    self.tokenBudget = tokenBudget
  }
}

extension TrainingSettings {
  /// - Throws: ``TrainingError/setting(name:found:wanted:)`` for the first value that makes no sense.
  package func validate() throws(TrainingError) {
    switch length {
    case .epochs(let epochs): try check("epochs", epochs, "a number above 0", epochs > 0 && epochs.isFinite)
    case .steps(let steps): try check("max_steps", steps, "a number above 0", steps > 0)
    case .tokens(let tokens): try check("max_tokens", tokens, "a number above 0", tokens > 0)
    }
    if let maxSeconds { try check("max_time", maxSeconds, "a number above 0", maxSeconds > 0) }
    try check("batch_size", batchSize, "a number above 0", batchSize > 0)
    if let batchTokens { try check("batch_tokens", batchTokens, "a number above 0", batchTokens > 0) }
    try check("learning_rate", learningRate, "a number of at least 0", learningRate >= 0 && learningRate.isFinite)
    try schedule.validate()
    try optimizer.validate()
    try check("weight_decay", weightDecay, "a number of at least 0", weightDecay >= 0 && weightDecay.isFinite)
    if let maxGradNorm { try check("max_grad_norm", maxGradNorm, "a number above 0", maxGradNorm > 0) }
    if let maxGradValue { try check("max_grad_value", maxGradValue, "a number above 0", maxGradValue > 0) }
    try rules.validate()
    if let draw {
      try check("trainable.active", draw.count, "a number above 0", draw.count > 0)
      try check("trainable.switch_every", draw.interval, "a number above 0", draw.interval > 0)
    }
    try check(
      "router_aux_loss_coef", routerBalance, "a number of at least 0", routerBalance >= 0 && routerBalance.isFinite)
    try check("log_every", logEvery, "a number above 0", logEvery > 0)
    if let saveEvery { try check("save_every", saveEvery, "a number above 0", saveEvery > 0) }
    if let evaluateEvery { try check("evaluate_every", evaluateEvery, "a number above 0", evaluateEvery > 0) }
    try earlyStopping?.validate()
    try average?.validate()
    try watchdog?.validate()
    try check("token_budget", tokenBudget, "a number above 0", tokenBudget > 0)
  }
}
