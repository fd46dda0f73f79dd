import Decoding
import LanguageModels
import Tensors
import TokenShards

/// Distillation: a student is held to a teacher's distribution at each label (arXiv:1503.02531, 2306.13649).
///
/// share · divergence + (1 − share) · −log p(label), the mean over the label tokens of a step; the divergence of
/// distributions at a temperature, without a factor of its square. Dropout is off.
package struct DistillationStage: TrainingStage {
  package struct Settings: Sendable, Hashable {
    /// Between whole distributions; the likeliest tokens alone are compared forward.
    package var direction: LabelDivergence.Direction
    package var temperature: Double
    /// What the divergence counts; the rest is −log p of the labels.
    package var share: Double
    /// Answers of the student's own that it learns on; nil where all are those of the rows.
    package var ownAnswers: OwnAnswers?

    package init(
      _ direction: LabelDivergence.Direction = .forward, temperature: Double = 1, share: Double = 1,
      ownAnswers: OwnAnswers? = nil
    ) {
      self.direction = direction
      self.temperature = temperature
      self.share = share
      self.ownAnswers = ownAnswers
    }
  }

  /// Steps in which prompts are answered by the student itself (arXiv:2306.13649).
  package struct OwnAnswers: Sendable, Hashable {
    /// The share of the steps.
    package var share: Double
    package var maximumTokens: Int
    /// Tokens that end an answer.
    package var stops: Set<Int32>

    package init(share: Double, maximumTokens: Int, stops: Set<Int32>) {
      self.share = share
      self.maximumTokens = maximumTokens
      self.stops = stops
    }
  }

  package struct Batch {
    package let packed: PackedBatch
    /// The likeliest tokens at its labels; nil where the teacher is asked.
    let likeliest: LikeliestLabels?
    /// The label tokens of the whole step.
    let stepLabels: Int
  }

  package static let usesDropout = false

  package let settings: Settings
  package let teacher: Teacher

  package init(_ settings: Settings, _ teacher: Teacher) {
    self.settings = settings
    self.teacher = teacher
  }

  package static var measureNames: [String] {
    ["divergence", "nll", "accuracy"]
  }

  package var identity: String {
    let known = if case .likeliest(let count, let rest, _) = teacher { "\(count) \(rest)" } else { "all" }
    return "\(Self.self) \(settings) \(known)"
  }

  package func batches(of step: StageStep) throws -> [Batch] {
    if let own = settings.ownAnswers {
      var random = CounterRandom(key: step.key)
      if Double(random.uniform()) < own.share { return try batches(of: answered(step, own), step) }
    }
    return try batches(of: step.rows, step)
  }

  private func batches(of rows: [TokenRow], _ step: StageStep) throws -> [Batch] {
    let stepLabels = rows.reduce(0) { $0 + $1.labelCount }
    return try microBatches(lengths: rows.map(\.tokenCount), budget: step.rules.tokenBudget).compactMap { run in
      let packed = PackedBatch(
        rows[run].lazy.flatMap(\.sequences).map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) },
        sharesPrefixes: step.rules.sharesPrefixes)
      guard packed.labelCount > 0 else { return nil }
      return Batch(packed: packed, likeliest: try likeliest(step.numbers[run]), stepLabels: stepLabels)
    }
  }

  private func likeliest(_ numbers: ArraySlice<Int>) throws -> LikeliestLabels? {
    guard case .likeliest(_, _, let read) = teacher else { return nil }
    return try numbers.reduce(into: LikeliestLabels(ids: [], logProbabilities: [])) { all, number in
      let labels = try read(number)
      all.ids += labels.ids
      all.logProbabilities += labels.logProbabilities
    }
  }

  /// The rows with the student's answers to what stands before their first labels.
  private func answered(_ step: StageStep, _ own: OwnAnswers) throws -> [TokenRow] {
    let prompts = step.rows.flatMap(\.sequences).compactMap { sequence in
      sequence.lossMask.dropFirst().firstIndex(of: true).map { Array(sequence.ids[..<$0]) }
    }
    let sampler = CompletionSampler(step.model, maximumTokens: own.maximumTokens, stops: own.stops)
    let answers = try sampler.complete(prompts, count: 1, key: step.key.child(1))
    return zip(prompts, answers).map { prompt, answers in
      let ids = answers[0].ids
      return TokenRow([
        TokenSequence(
          ids: prompt + ids,
          lossMask: [Bool](repeating: false, count: prompt.count) + [Bool](repeating: true, count: ids.count))
      ])
    }
  }

  package func loss(of batch: Batch, model: LanguageModel, on tape: Tape) throws -> StageLoss {
    let states = try model.hiddenStates(tape, batch.packed)
    let count = batch.packed.labelCount
    let weights = [Float](repeating: 1 / Float(batch.stepLabels), count: count)
    let isWarm = settings.temperature != 1
    let scores = try tape.crossEntropy(
      states, head: model.head.divided(by: settings.temperature), targets: batch.packed.targets, weights: weights,
      labelShare: isWarm ? 0 : Float(1 - settings.share), divergence: target(batch))
    // The labels are learned as they are, whatever the temperature of the comparison.
    let plain =
      isWarm
      ? try tape.crossEntropy(
        states, head: model.head, targets: batch.packed.targets, weights: weights,
        labelShare: Float(1 - settings.share)) : scores
    let (divergence, nll) = (
      scores.divergences.reduce(0) { $0 + Double($1) }, -plain.logProbabilities.reduce(0) { $0 + Double($1) }
    )
    let sum = settings.share * divergence + (1 - settings.share) * nll
    let value = sum / Double(batch.stepLabels)
    var measures = Measures()
    measures.tell("divergence", divergence / Double(count), weight: Double(count))
    measures.tell("nll", nll / Double(count), weight: Double(count))
    measures.tell("accuracy", Double(plain.correct.count { $0 }) / Double(count), weight: Double(count))
    let one = Tensor(shape: [1], values: [1])
    return StageLoss(
      loss: isWarm
        ? tape.scalar(of: [scores.loss, plain.loss], value: Float(value), gradients: [one, one]) : scores.loss,
      value: value, sum: Measure(sum: sum, weight: Double(count)), labelTokens: count, measures: measures)
  }

  private func target(_ batch: Batch) throws -> any DistributionTarget {
    switch teacher {
    case .model(let teacher):
      let tape = Tape(compute: teacher.compute, records: false)
      return LabelDivergence(
        hidden: try teacher.hiddenStates(tape, batch.packed).value,
        head: teacher.head.divided(by: settings.temperature), direction: settings.direction,
        weight: Float(settings.share))
    case .likeliest(let count, let rest, _):
      return LikeliestTokens(
        ids: batch.likeliest?.ids ?? [], logProbabilities: batch.likeliest?.logProbabilities ?? [], count: count,
        rest: rest, weight: Float(settings.share))
    }
  }
}

extension OutputHead {
  /// The head whose scores are divided by a temperature.
  package func divided(by temperature: Double) -> OutputHead {
    var head = self
    head.temperature = Float(temperature)
    return head
  }
}

/// The likeliest tokens at the labels of rows, by a teacher.
///
/// Cost: one forward pass.
/// - Parameters:
///   - count: Tokens a label.
///   - temperature: What logits are divided by.
package func likeliestLabels(
  of rows: [TokenRow], teacher: LanguageModel, count: Int, temperature: Double,
  tokenBudget: Int = TrainingSettings.tokenBudget
) throws -> [LikeliestLabels] {
  try microBatches(lengths: rows.map(\.tokenCount), budget: tokenBudget).flatMap { run -> [LikeliestLabels] in
    let packed = PackedBatch(
      rows[run].lazy.flatMap(\.sequences).map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) })
    guard packed.labelCount > 0 else { return rows[run].map { _ in LikeliestLabels(ids: [], logProbabilities: []) } }
    let tape = Tape(compute: teacher.compute, records: false)
    let found = try tape.likeliestTokens(
      teacher.hiddenStates(tape, packed), head: teacher.head.divided(by: temperature), count: count)
    var start = 0
    return rows[run].map { row in
      let part = start * count..<(start + row.labelCount) * count
      start += row.labelCount
      return LikeliestLabels(ids: Array(found.ids[part]), logProbabilities: Array(found.logProbabilities[part]))
    }
  }
}
