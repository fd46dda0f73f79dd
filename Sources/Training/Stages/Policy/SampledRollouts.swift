import Decoding
import LanguageModels
import Tensors
import TokenShards

/// Rollouts that the policy samples, judged by reward functions.
package struct SampledRollouts: RolloutSource {
  package struct Settings: Sendable, Hashable {
    /// Completions of a prompt.
    package var size: Int
    /// What logits are divided by, in sampling as in training; 0 takes the likeliest token always, for measuring.
    package var temperature: Double
    package var maximumTokens: Int
    /// Tokens that end a completion.
    package var stops: Set<Int32>
    /// What each reward function counts.
    package var weights: [Double]
    /// What measures call the functions.
    package var names: [String]
    /// Whether log p of the tokens is computed when they are sampled.
    package var remembersPolicy: Bool

    package init(
      size: Int, temperature: Double = 1, maximumTokens: Int, stops: Set<Int32>, weights: [Double],
      names: [String], remembersPolicy: Bool
    ) {
      self.size = size
      self.temperature = temperature
      self.maximumTokens = maximumTokens
      self.stops = stops
      self.weights = weights
      self.names = names
      self.remembersPolicy = remembersPolicy
    }
  }

  /// What completions are compared with: a model of its own, or the one that is trained as it was.
  package enum Reference {
    case model(LanguageModel)
    case moving(MovingReference)

    fileprivate var identity: String {
      switch self {
      case .model: "model"
      case .moving(let reference): reference.identity
      }
    }
  }

  package let settings: Settings
  /// The rewards of each rollout, one a function; the rows are those of the prompts, one a rollout.
  package let judge: ([Rollout], [TokenRow]) throws -> [[Double?]]
  /// What completions are compared with; nil without a reference.
  package let reference: Reference?
  /// Told how many completions of a round are done; what it throws ends the work.
  package var progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  /// Told of each round.
  package var onRound: ([Rollout]) -> Void = { _ in }

  package init(
    _ settings: Settings, reference: Reference?, judge: @escaping ([Rollout], [TokenRow]) throws -> [[Double?]]
  ) {
    self.settings = settings
    self.reference = reference
    self.judge = judge
  }

  package var rewardNames: [String] { settings.names }

  package var identity: String {
    "\(settings.size) \(settings.temperature) \(settings.maximumTokens) \(settings.stops.sorted()) \(settings.weights) "
      + "\(settings.remembersPolicy) \(reference?.identity ?? "alone")"
  }

  package var tensors: [NamedTensor] {
    if case .moving(let reference) = reference { reference.tensors } else { [] }
  }

  package func begin(_ model: LanguageModel) {
    if case .moving(let reference) = reference { reference.begin(model) }
  }

  package func passed(step: StageStep) {
    if case .moving(let reference) = reference { reference.follow(after: step.number, on: step.model.compute) }
  }

  package func rollouts(of step: StageStep) throws -> [Rollout] {
    let prompts = try zip(step.rows, step.numbers).map { row, number in
      guard row.sequences.count == 1, row.sequences[0].role == .prompt else {
        throw TrainingError.notAPrompt(row: number)
      }
      return row.sequences[0].ids
    }
    let sampler = CompletionSampler(
      step.model, temperature: Float(settings.temperature), maximumTokens: settings.maximumTokens,
      stops: settings.stops)
    let total = prompts.count * settings.size
    let completions = try sampler.complete(prompts, count: settings.size, key: step.key) { try progress($0, total) }
    var rollouts = zip(prompts, zip(step.numbers, completions)).flatMap { prompt, more in
      more.1.map { Rollout(row: more.0, prompt: prompt, completion: $0.ids, isTruncated: $0.isTruncated) }
    }
    let rows = step.rows.flatMap { [TokenRow](repeating: $0, count: settings.size) }
    for (index, rewards) in try judge(rollouts, rows).enumerated() {
      rollouts[index].rewards = rewards
      let known = zip(rewards, settings.weights).compactMap { reward, weight in reward.map { $0 * weight } }
      rollouts[index].reward = known.isEmpty ? nil : known.reduce(0, +)
    }
    if settings.remembersPolicy {
      for (index, found) in try tokens(of: rollouts, step.model, step.rules.tokenBudget).enumerated() {
        rollouts[index].old = found
      }
    }
    for (index, found) in try referenceTokens(of: rollouts, step).enumerated() { rollouts[index].reference = found }
    onRound(rollouts)
    return rollouts
  }

  /// Empty without a reference.
  private func referenceTokens(of rollouts: [Rollout], _ step: StageStep) throws -> [[Float]] {
    switch reference {
    case nil: []
    case .model(let model): try tokens(of: rollouts, model, step.rules.tokenBudget)
    case .moving(let moving):
      try moving.asked(step.model) { try tokens(of: rollouts, step.model, step.rules.tokenBudget) }
    }
  }

  private func tokens(of rollouts: [Rollout], _ model: LanguageModel, _ budget: Int) throws -> [[Float]] {
    try labelLogProbabilities(
      of: rollouts.map(\.sequence), numbers: rollouts.map(\.row), model: model, temperature: settings.temperature,
      tokenBudget: budget)
  }
}
