/// What decides the result of a training, apart from the model, the data and the stage.
package struct TrainingSettings: Sendable, Hashable {
  /// When a training ends.
  package enum Length: Sendable, Hashable {
    /// Passes over the rows; a fraction ends inside a pass, after ⌈epochs · steps of a pass⌉ steps.
    case epochs(Double)
    case steps(Int)
    /// Ends with the step that brings the tokens of all rows seen to this number.
    case tokens(Int)
  }

  /// AdamW as in torch (arXiv:1711.05101).
  ///
  /// Weight decay leaves norms and biases alone, as Hugging Face's Trainer does.
  package struct Optimizer: Sendable, Hashable {
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double

    package init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  package var length: Length
  /// Rows of an optimizer step; the last step of a pass takes what is left.
  package var batchSize: Int
  /// The peak of the schedule.
  package var learningRate: Double
  package var schedule: LearningRateSchedule
  package var optimizer: Optimizer
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
    schedule: LearningRateSchedule = LearningRateSchedule(.cosine), optimizer: Optimizer = Optimizer(),
    maxGradNorm: Double? = 1, routerBalance: Double = 0, shuffle: Bool = true, seed: UInt64 = 42,
    logEvery: Int = 1, saveEvery: Int? = nil, evaluateEvery: Int? = nil, tokenBudget: Int = Self.tokenBudget
  ) {
    self.length = length
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.schedule = schedule
    self.optimizer = optimizer
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
    func check(_ name: String, _ found: some CustomStringConvertible, _ wanted: String, _ holds: Bool)
      throws(TrainingError)
    {
      guard holds else { throw .setting(name: name, found: found.description, wanted: wanted) }
    }
    switch length {
    case .epochs(let epochs): try check("epochs", epochs, "a number above 0", epochs > 0 && epochs.isFinite)
    case .steps(let steps): try check("max_steps", steps, "a number above 0", steps > 0)
    case .tokens(let tokens): try check("max_tokens", tokens, "a number above 0", tokens > 0)
    }
    try check("batch_size", batchSize, "a number above 0", batchSize > 0)
    try check("learning_rate", learningRate, "a number of at least 0", learningRate >= 0 && learningRate.isFinite)
    switch schedule.warmup {
    case .steps(let steps): try check("warmup_steps", steps, "a number of at least 0", steps >= 0)
    case .ratio(let ratio): try check("warmup_ratio", ratio, "a number from 0 to 1", (0...1).contains(ratio))
    }
    let adam = optimizer
    try check(
      "betas", "\(adam.beta1), \(adam.beta2)", "numbers from 0 to below 1",
      (0..<1).contains(adam.beta1) && (0..<1).contains(adam.beta2))
    try check("epsilon", adam.epsilon, "a number of at least 0", adam.epsilon >= 0 && adam.epsilon.isFinite)
    let decay = adam.weightDecay
    try check("weight_decay", decay, "a number of at least 0", decay >= 0 && decay.isFinite)
    if let maxGradNorm { try check("max_grad_norm", maxGradNorm, "a number above 0", maxGradNorm > 0) }
    try check(
      "router_aux_loss_coef", routerBalance, "a number of at least 0", routerBalance >= 0 && routerBalance.isFinite)
    try check("log_every", logEvery, "a number above 0", logEvery > 0)
    if let saveEvery { try check("save_every", saveEvery, "a number above 0", saveEvery > 0) }
    if let evaluateEvery { try check("evaluate_every", evaluateEvery, "a number above 0", evaluateEvery > 0) }
    try check("token_budget", tokenBudget, "a number above 0", tokenBudget > 0)
  }
}
