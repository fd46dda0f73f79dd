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
  /// Rows of an optimizer step; the last step of a pass takes what is left.
  package var batchSize: Int
  /// The peak of the schedule.
  package var learningRate: Double
  package var schedule: LearningRateSchedule
  package var optimizer: any OptimizerSettings
  /// Pull towards zero; leaves norms and biases alone, as Hugging Face's Trainer does.
  package var weightDecay: Double
  /// Gradients together longer than this are shortened to it; nil leaves them.
  package var maxGradNorm: Double?
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
    try check("batch_size", batchSize, "a number above 0", batchSize > 0)
    try check("learning_rate", learningRate, "a number of at least 0", learningRate >= 0 && learningRate.isFinite)
    try schedule.validate()
    try optimizer.validate()
    try check("weight_decay", weightDecay, "a number of at least 0", weightDecay >= 0 && weightDecay.isFinite)
    if let maxGradNorm { try check("max_grad_norm", maxGradNorm, "a number above 0", maxGradNorm > 0) }
    try check(
      "router_aux_loss_coef", routerBalance, "a number of at least 0", routerBalance >= 0 && routerBalance.isFinite)
    try check("log_every", logEvery, "a number above 0", logEvery > 0)
    if let saveEvery { try check("save_every", saveEvery, "a number above 0", saveEvery > 0) }
    if let evaluateEvery { try check("evaluate_every", evaluateEvery, "a number above 0", evaluateEvery > 0) }
    try check("token_budget", tokenBudget, "a number above 0", tokenBudget > 0)
  }
}
