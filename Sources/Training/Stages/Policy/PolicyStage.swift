import LanguageModels
import PreciseJSON
import Tensors
import TokenShards

/// Learning from completions of its own that were judged: one round of sampling, then steps on its rollouts.
///
/// A ``PolicyObjective`` of advantages among completions of one prompt. A round's rollouts are drawn from the policy as it is
/// when the round begins; their advantages are known before the first step and stay. Dropout is off.
package struct PolicyStage<Source: RolloutSource>: TrainingStage {
  package struct Batch {
    let answers: AnswerBatch
    let rollouts: [Rollout]
    /// The completions that the step learns from, and their tokens.
    let step: (completions: Int, tokens: Int)
    /// What is told of the whole round, with the first batch of its first step.
    let told: Measures
  }

  package static var usesDropout: Bool { false }
  package static var samplesRows: Bool { true }

  package let settings: PolicySettings
  package let source: Source
  /// The rollouts of the round that is under way.
  private var round: [Rollout] = []

  package init(_ settings: PolicySettings, _ source: Source) {
    self.settings = settings
    self.source = source
  }

  package static var measureNames: [String] {
    [
      "reward", "reward_*", "completion_tokens", "truncated", "dead_groups", "entropy", "kl", "ratio", "clip_low",
      "clip_high",
    ]
  }

  package var identity: String { "\(Self.self) \(settings) \(source.identity)" }
  package var stepsOnRows: Int { settings.passes * settings.stepsOfPass }
  package var state: JSON { .array(round.map(\.json)) }

  package var tensors: [NamedTensor] { source.tensors }
  package mutating func begin(_ model: LanguageModel) { source.begin(model) }

  package mutating func restore(_ state: JSON) -> Bool {
    guard let found = state.array?.map(Rollout.init(json:)), !found.contains(where: { $0 == nil }) else { return false }
    round = found.compactMap { $0 }
    return true
  }

  package func tokenCount(of rows: [TokenRow], step number: Int) -> Int {
    round[part(number)].reduce(0) { $0 + $1.prompt.count + $1.completion.count }
  }

  /// The rollouts of a step: the passes go over the round in the same parts.
  private func part(_ number: Int) -> Range<Int> {
    let (index, count) = (number % stepsOnRows % settings.stepsOfPass, settings.stepsOfPass)
    return round.count * index / count..<round.count * (index + 1) / count
  }

  package mutating func batches(of step: StageStep) throws -> [Batch] {
    source.passed(step: step)
    var told = Measures()
    if step.number % stepsOnRows == 0 {
      round = try judged(source.rollouts(of: step))
      told = .ofRound(round, size: settings.size, source.rewardNames)
    }
    let taken = round[part(step.number)].filter {
      !$0.advantages.isEmpty && !(settings.leavesOutTruncated && $0.isTruncated)
    }
    let size = (taken.count, taken.reduce(0) { $0 + $1.completion.count })
    let lengths = taken.map { $0.prompt.count + $0.completion.count }
    return try microBatches(lengths: lengths, budget: step.rules.tokenBudget).map { run in
      defer { told = Measures() }
      let rollouts = Array(taken[run])
      return Batch(
        answers: try AnswerBatch(rollouts.map(\.sequence), numbers: rollouts.map(\.row)), rollouts: rollouts,
        step: size,
        told: told)
    }
  }

  /// The advantages of a round.
  private func judged(_ rollouts: [Rollout]) -> [Rollout] {
    var rewards = rollouts.map(\.reward)
    if settings.penalty > 0 {
      for (index, rollout) in rollouts.enumerated() {
        let away = zip(rollout.old, rollout.reference).reduce(0.0) { $0 + Double($1.0) - Double($1.1) }
        rewards[index] = rewards[index].map { $0 - settings.penalty * away }
      }
    }
    let advantages =
      settings.objective.kind == .rloo
      ? Advantages.leaveOneOut(rewards, size: settings.size, normalizes: settings.normalizes)
      : Advantages.relative(rewards, size: settings.size, scale: settings.scale)
    var round = rollouts
    for index in round.indices { round[index].advantages = advantages[index].map { [$0] } ?? [] }
    return round
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let (labels, entropies) = try batch.answers.labels(
      of: model.hiddenStates(tape, batch.answers.packed), model, temperature: settings.temperature, asking: .entropies,
      on: tape)
    let values = labels.value.values
    var gradient = [Float](repeating: 0, count: values.count)
    var value = 0.0
    var measures = batch.told
    for (rollout, answer) in zip(batch.rollouts, batch.answers.answers) {
      let policy = values[answer].map { Double($0) }
      let tokens = settings.objective(
        policy: policy, old: rollout.old.isEmpty ? policy : rollout.old.map { Double($0) },
        advantage: rollout.advantages.first ?? 0,
        reference: settings.objective.beta > 0 ? rollout.reference.map { Double($0) } : nil)
      let weight = settings.objective.weight(tokens: tokens.count, step: batch.step)
      for (label, token) in zip(answer, tokens) {
        value += weight * token.loss
        gradient[label] = Float(weight * token.derivative)
        if let entropies { measures.tell("entropy", Double(entropies[label])) }
        if let divergence = token.divergence { measures.tell("kl", divergence) }
      }
      // One ratio a completion is told once.
      for token in settings.objective.kind == .rloo ? tokens.prefix(1) : tokens[...] {
        measures.tell("ratio", token.ratio)
        measures.tell("clip_low", token.isClippedLow ? 1 : 0)
        measures.tell("clip_high", token.isClippedHigh ? 1 : 0)
      }
    }
    return StageLoss(
      loss: tape.scalar(
        of: [labels], value: Float(value), gradients: [Tensor(shape: labels.value.shape, values: gradient)]),
      value: value, sum: Measure(sum: value, weight: 1), labelTokens: batch.answers.packed.labelCount,
      measures: measures)
  }
}
