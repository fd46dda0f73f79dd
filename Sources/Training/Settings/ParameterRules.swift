import Tensors

/// Which parameters are treated in a way of their own.
package struct ParameterRules: Sendable, Hashable {
  /// What holds for the parameters whose names a regular expression finds something in.
  package struct Rule: Sendable, Hashable {
    package var pattern: String
    /// The schedule's own rate where there is none.
    package var rate: GroupRate?
    /// Holds for norms and biases too; what holds for others where there is none.
    package var weightDecay: Double?
    /// Whether they stay as they are.
    package var isFrozen: Bool

    package init(_ pattern: String, rate: GroupRate? = nil, weightDecay: Double? = nil, isFrozen: Bool = false) {
      self.pattern = pattern
      self.rate = rate
      self.weightDecay = weightDecay
      self.isFrozen = isFrozen
    }
  }

  /// The first whose pattern is found in a name holds for it.
  package var rules: [Rule] = []
  /// The rate of tables of embeddings that no rule is about.
  package var embeddingRate: GroupRate?
  /// What the rate of every `lora_B`, and of vectors, is multiplied with where no rule is about them: LoRA+
  /// (arXiv:2402.12354), with the groups of PEFT's `create_loraplus_optimizer`.
  package var loraPlusRatio: Double?

  package init() {}

  /// - Throws: ``TrainingError`` for the first value that makes no sense.
  func validate() throws(TrainingError) {
    for rule in rules {
      guard (try? Regex(rule.pattern)) != nil else { throw .notAPattern(rule.pattern) }
      try rule.rate?.validate("groups.learning_rate")
      if let decay = rule.weightDecay {
        try check("groups.weight_decay", decay, "a number of at least 0", decay >= 0 && decay.isFinite)
      }
    }
    try embeddingRate?.validate("embedding_learning_rate")
    if let loraPlusRatio {
      try check("lora_plus_ratio", loraPlusRatio, "a number above 0", loraPlusRatio > 0 && loraPlusRatio.isFinite)
    }
  }
}

/// The rate of some parameters.
package enum GroupRate: Sendable, Hashable {
  /// What the rate of the others is multiplied with.
  case factor(Double)
  /// A peak of its own, on the same schedule.
  case peak(Double)

  /// What the schedule's rate is multiplied with.
  func factor(of learningRate: Double) -> Double {
    switch self {
    case .factor(let factor): factor
    case .peak(let peak): peak / learningRate
    }
  }

  fileprivate func validate(_ name: String) throws(TrainingError) {
    switch self {
    case .factor(let value), .peak(let value):
      try check(name, value, "a number of at least 0", value >= 0 && value.isFinite)
    }
  }

  /// Whether it can be said beside a peak of all others.
  func isMeasurable(beside learningRate: Double) -> Bool {
    if case .peak = self { learningRate > 0 } else { true }
  }
}
