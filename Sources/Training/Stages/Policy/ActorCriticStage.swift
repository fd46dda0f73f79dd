import LanguageModels
import PreciseJSON
import Tensors
import TokenShards

/// Proximal policy optimisation: a policy, and a critic that is a head on the same body, learn from completions of their
/// own that were scored (arXiv:1707.06347, 1909.08593).
///
/// A round: prompts are answered once, the scores and the divergence from a reference become rewards of tokens, the critic's
/// expectations make them advantages; then passes over the rollouts in parts of an order of their own. Dropout is off.
package struct ActorCriticStage<Source: RolloutSource>: TrainingStage {
  package struct Batch {
    let answers: AnswerBatch
    let rollouts: [Rollout]
    /// The tokens of the whole step's completions.
    let stepTokens: Int
    let told: Measures
  }

  package static var usesDropout: Bool { false }
  package static var samplesRows: Bool { true }

  package let settings: ActorCriticSettings
  package let source: Source
  /// The critic.
  package let head: ScoreHead
  private var round: [Rollout] = []
  /// The round's rollouts in the order of its passes.
  private var order: [Int] = []
  private var control: DivergenceControl
  private var scores = RunningMoments()

  package init(_ settings: ActorCriticSettings, _ source: Source, head: ScoreHead) {
    self.settings = settings
    self.source = source
    self.head = head
    control = settings.control
  }

  package static var measureNames: [String] {
    [
      "reward", "reward_*", "completion_tokens", "truncated", "dead_groups", "kl", "kl_coefficient",
      "explained_variance", "skipped", "policy_loss", "value_loss", "ratio", "clip_fraction", "value_clip_fraction",
      "approximate_kl", "entropy",
    ]
  }

  package var identity: String { "\(Self.self) \(settings) \(source.identity)" }
  package var parameters: [Parameter] { head.parameters }
  package var stepsOnRows: Int { settings.passes * settings.stepsOfPass }

  package var state: JSON {
    [
      "round": .array(round.map(\.json)), "order": .array(order.map { JSON($0) }),
      "coefficient": JSON(control.coefficient),
      "scores": [JSON(scores.count), JSON(scores.mean), JSON(scores.squares)],
    ]
  }

  package var tensors: [NamedTensor] { source.tensors }
  package mutating func begin(_ model: LanguageModel) { source.begin(model) }

  package mutating func restore(_ state: JSON) -> Bool {
    guard let found = state["round"]?.array?.map(Rollout.init(json:)), !found.contains(where: { $0 == nil }),
      let order = state["order"]?.array?.compactMap(\.int), order.allSatisfy(found.indices.contains),
      let coefficient = state["coefficient"]?.double, let moments = state["scores"]?.array?.compactMap(\.double),
      moments.count == 3
    else { return false }
    round = found.compactMap { $0 }
    self.order = order
    control.coefficient = coefficient
    scores = RunningMoments(count: moments[0], mean: moments[1], squares: moments[2])
    return true
  }

  package func tokenCount(of rows: [TokenRow], step number: Int) -> Int {
    part(number).reduce(0) { $0 + round[$1].prompt.count + round[$1].completion.count }
  }

  /// The rollouts of a step.
  private func part(_ number: Int) -> ArraySlice<Int> {
    let (step, count) = (number % stepsOnRows, settings.stepsOfPass)
    let (pass, index) = (step / count, step % count)
    let start = pass * round.count
    return order[start + round.count * index / count..<start + round.count * (index + 1) / count]
  }

  package mutating func batches(of step: StageStep) throws -> [Batch] {
    source.passed(step: step)
    var told = Measures()
    if step.number % stepsOnRows == 0 {
      round = try source.rollouts(of: step).filter { $0.reward != nil }
      try estimate(step)
      order = (0..<settings.passes).flatMap { source.order(of: round.count, pass: $0, key: step.key.child(1)) }
      told = tellRound()
    }
    let taken = part(step.number).map { round[$0] }
    let tokens = taken.reduce(0) { $0 + $1.completion.count }
    let lengths = taken.map { $0.prompt.count + $0.completion.count }
    return try microBatches(lengths: lengths, budget: step.rules.tokenBudget).map { run in
      defer { told = Measures() }
      let rollouts = Array(taken[run])
      return Batch(
        answers: try AnswerBatch(rollouts.map(\.sequence), numbers: rollouts.map(\.row)), rollouts: rollouts,
        stepTokens: tokens, told: told)
    }
  }

  /// Values, rewards of tokens, advantages and returns of the round.
  private mutating func estimate(_ step: StageStep) throws {
    let values =
      round.contains { $0.values.isEmpty } ? try values(of: round, step) : round.map(\.values)
    var found = round.map { rollout -> Double in
      (rollout.reward ?? 0) - (rollout.isTruncated ? settings.truncationPenalty : 0)
    }
    if settings.normalizesScores {
      scores.add(found)
      let deviation = scores.deviation
      if deviation > 0 { found = found.map { ($0 - scores.mean) / deviation } }
    }
    var rewards = round.indices.map { index in
      settings.estimate.rewards(
        old: round[index].old.map { Double($0) }, reference: round[index].reference.map { Double($0) },
        score: found[index], coefficient: control.coefficient)
    }
    if settings.whitensRewards { rewards = AdvantageEstimate.whitened(rewards, keepsMean: true) }
    var advantages: [[Double]] = []
    for index in round.indices {
      round[index].values = values[index]
      let one = settings.estimate(rewards: rewards[index], values: values[index].map { Double($0) })
      round[index].returns = one.returns
      advantages.append(one.advantages)
    }
    for (index, whitened) in AdvantageEstimate.whitened(advantages).enumerated() { round[index].advantages = whitened }
  }

  /// What the critic expects before each token.
  private func values(of rollouts: [Rollout], _ step: StageStep) throws -> [[Float]] {
    let lengths = rollouts.map { $0.prompt.count + $0.completion.count }
    return try microBatches(lengths: lengths, budget: step.rules.tokenBudget).flatMap { run in
      let tape = Tape(compute: step.model.compute, records: false)
      let answers = try AnswerBatch(rollouts[run].map(\.sequence), numbers: rollouts[run].map(\.row))
      let states = try step.model.hiddenStates(tape, answers.packed)
      let values = try tape.rowScores(states, weight: head.weight, bias: head.bias).value.values
      return answers.answers.map { Array(values[$0]) }
    }
  }

  /// What is told of a round; the coefficient moves by its divergence.
  private mutating func tellRound() -> Measures {
    var told = Measures.ofRound(round, size: 1, source.rewardNames)
    let divergences = round.filter { !$0.reference.isEmpty }.map { rollout in
      zip(rollout.old, rollout.reference).reduce(0.0) { $0 + Double($1.0) - Double($1.1) }
    }
    if !divergences.isEmpty {
      told.tell("kl", Advantages.average(divergences), weight: Double(divergences.count))
      told.tell("kl_coefficient", control.coefficient)
      control.see(Advantages.average(divergences), completions: divergences.count)
    }
    let returns = round.flatMap(\.returns)
    let errors = zip(returns, round.flatMap(\.values)).map { $0 - Double($1) }
    let spread = Advantages.spread(returns)
    if spread > 0 {
      let left = Advantages.spread(errors) / spread
      told.tell("explained_variance", 1 - left * left)
    }
    return told
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let states = try model.hiddenStates(tape, batch.answers.packed)
    let (labels, entropies) = try batch.answers.labels(
      of: states, model, temperature: settings.temperature, asking: .entropies, on: tape)
    let expected = try tape.rowScores(states, weight: head.weight, bias: head.bias)
    let (policy, values) = (labels.value.values, expected.value.values)
    let share = 1 / Double(max(1, batch.stepTokens))
    var tokens: [ClippedObjective.Token] = []
    for (rollout, answer) in zip(batch.rollouts, batch.answers.answers) {
      for (index, label) in answer.enumerated() {
        tokens.append(
          settings.objective(
            policy: Double(policy[label]), value: Double(values[label]), old: Double(rollout.old[index]),
            oldValue: Double(rollout.values[index]), advantage: rollout.advantages[index],
            return: rollout.returns[index]))
      }
    }
    let meanRatio = Advantages.average(tokens.map(\.ratio))
    let isTaken = meanRatio <= settings.largestRatio
    var measures = batch.told
    measures.tell("skipped", isTaken ? 0 : 1)
    for (token, (entropy, moved)) in zip(tokens, zip(entropies ?? [], zip(policy, batch.rollouts.flatMap(\.old)))) {
      measures.tell("policy_loss", token.policyLoss)
      measures.tell("value_loss", token.valueLoss)
      measures.tell("ratio", token.ratio)
      measures.tell("clip_fraction", token.isClipped ? 1 : 0)
      measures.tell("value_clip_fraction", token.isValueClipped ? 1 : 0)
      measures.tell("approximate_kl", Double((moved.0 - moved.1) * (moved.0 - moved.1)) / 2)
      measures.tell("entropy", Double(entropy))
    }
    let weight = isTaken ? share : 0
    let value = tokens.reduce(0) {
      $0 + weight * ($1.policyLoss + settings.objective.valueWeight * $1.valueLoss)
    }
    func gradient(_ variable: Variable, _ derivative: (ClippedObjective.Token) -> Double) -> Tensor {
      Tensor(shape: variable.value.shape, values: tokens.map { Float(weight * derivative($0)) })
    }
    return StageLoss(
      loss: tape.scalar(
        of: [labels, expected], value: Float(value),
        gradients: [gradient(labels, \.policyDerivative), gradient(expected, \.valueDerivative)]),
      value: value, sum: Measure(sum: value, weight: 1), labelTokens: batch.answers.packed.labelCount,
      measures: measures)
  }
}
