import LanguageModels
import PreciseJSON
import Tensors
import TokenShards

/// Trains the trainable parameters of a model: the same loop for every stage.
///
/// Each step: rows of the step → batches of the stage → forward and backward of each batch, gradients added up → global
/// norm, clipping → AdamW. Every random number is a function of the seed and the step, so that a run that was killed and
/// resumed ends in the same bits as one that never was. The number of threads changes no bit either.
package final class TrainingLoop<Stage: TrainingStage> {
  package let model: LanguageModel
  package let stage: Stage
  package let rows: TrainingRows
  package let settings: TrainingSettings
  /// Where checkpoints are kept and looked for; nil keeps none.
  package let checkpoints: CheckpointFolder?

  /// Told what happens, in order, on the calling thread.
  package var onEvent: (TrainingEvent) -> Void = { _ in }
  /// Asked after each step whether to save and stop.
  package var shouldStop: () -> Bool = { false }
  /// Gives the numbers of a held-out set, by name, every ``TrainingSettings/evaluateEvery`` steps; the record holds them
  /// as `eval_<name>`.
  package var evaluate: ((LanguageModel) throws -> [(name: String, value: Double)])?
  /// Seconds on a clock that never goes back.
  package var clock: () -> Double = monotonicSeconds

  let slots: [AdamWSlot]
  private var order: DataOrder
  private let dropoutKey: RandomKey
  private var state = TrainingState()
  private var knownTotal: Int?

  /// - Throws: ``TrainingError`` for settings that make no sense, for no rows and for a model without anything to train.
  package init(
    model: LanguageModel, stage: Stage, rows: TrainingRows, settings: TrainingSettings,
    checkpoints: CheckpointFolder? = nil
  ) throws {
    try settings.validate()
    guard rows.count > 0 else { throw TrainingError.noRows }
    let trainable = model.trainableParameters
    guard !trainable.isEmpty else { throw TrainingError.nothingTrainable }
    self.model = model
    self.stage = stage
    self.rows = rows
    self.settings = settings
    self.checkpoints = checkpoints
    slots = trainable.map { parameter in
      let exempt = parameter.kind == .norm || parameter.kind == .bias
      return AdamWSlot(parameter: parameter, weightDecay: exempt ? 0 : settings.optimizer.weightDecay)
    }
    let key = RandomKey(seed: settings.seed)
    order = DataOrder(
      rowCount: rows.count, batchSize: settings.batchSize, shuffle: settings.shuffle, key: key.child(0))
    dropoutKey = key.child(1)
  }

  /// The steps from the first to the last.
  ///
  /// Cost: where the length is given in tokens, the first call reads every row.
  package func totalSteps() throws -> Int {
    if let knownTotal { return knownTotal }
    let total = try order.totalSteps(settings.length) { try rows.row($0).tokenCount }
    knownTotal = total
    return total
  }

  /// Trains to the end, from the newest checkpoint that verifies when there is one.
  ///
  /// - Throws: ``TrainingInterrupted`` when asked to stop, ``TrainingError``, and what rows, stage, evaluation and
  ///   checkpoint files throw.
  package func run() throws -> TrainingResult {
    let total = try totalSteps()
    let fingerprint = fingerprint(totalSteps: total)
    state = try checkpoints?.resume(fingerprint: fingerprint, into: slots) ?? TrainingState()
    onEvent(.started(step: state.step, totalSteps: total))
    let first = state.step
    let secondsBefore = state.seconds

    while state.step < total {
      let begin = clock()
      let done = try takeStep(total: total)
      let seconds = clock() - begin
      try account(done, seconds: seconds)

      let pace = (state.seconds - secondsBefore) / Double(state.step - first)
      onEvent(
        .progressed(
          TrainingEvent.Progress(
            step: state.step, totalSteps: total, loss: done.loss, gradNorm: done.gradNorm,
            tokensPerSecond: seconds > 0 ? Double(done.tokens) / seconds : 0,
            secondsLeft: pace * Double(total - state.step),
            measures: done.measures.mapValues { $0.sum / $0.weight })))
      if state.step % settings.logEvery == 0 || state.step == total {
        record(
          state.window.record(
            step: state.step, epoch: Double(state.step) / Double(order.stepsPerEpoch), gradNorm: done.gradNorm,
            learningRate: done.learningRate))
        state.window = MetricsWindow()
      }
      if let every = settings.evaluateEvery, let evaluate, state.step % every == 0 || state.step == total {
        let numbers = try evaluate(model)
        record(JSON([("step", JSON(state.step))] + numbers.map { (key: "eval_\($0.name)", value: JSON($0.value)) }))
      }
      guard state.step < total else { break }
      let stop = shouldStop()
      let path = stop || state.step % (settings.saveEvery ?? .max) == 0 ? try save(fingerprint) : nil
      if stop { throw TrainingInterrupted(step: state.step, totalSteps: total, checkpoint: path) }
    }
    return TrainingResult(
      steps: state.step, tokens: state.tokens, labelTokens: state.labelTokens, seconds: state.seconds,
      metrics: state.metrics, watch: state.watch)
  }

  private struct Step {
    var loss = 0.0
    var gradNorm = 0.0
    var learningRate = 0.0
    var tokens = 0
    var labelTokens = 0
    var rows = 0
    var rowsWithoutLabels = 0
    var measures: [String: StageLoss.Measure] = [:]
  }

  /// One optimizer step.
  private func takeStep(total: Int) throws -> Step {
    let numbers = Array(order.rows(step: state.step))
    let name = state.step + 1
    let stepRows = try numbers.map { try rows.row($0) }
    // Dropout gives every sequence numbers of its own.
    let drops = Stage.usesDropout && (model.adapter?.dropout ?? 0) > 0
    let batches = try stage.batches(
      of: stepRows, numbers: numbers, BatchRules(tokenBudget: settings.tokenBudget, sharesPrefixes: !drops))
    guard !batches.isEmpty else { throw TrainingError.noLabels(step: name, rows: numbers) }

    var step = Step()
    step.tokens = stepRows.reduce(0) { $0 + $1.tokenCount }
    step.rows = stepRows.count
    step.rowsWithoutLabels = stepRows.count { $0.labelCount == 0 }
    let parameters = slots.map(\.parameter)
    for parameter in parameters { parameter.clearGradient() }
    let weights = WeightEpoch()
    for (index, batch) in batches.enumerated() {
      let key = dropoutKey.child(UInt64(state.step)).child(UInt64(index))
      let balance = balance(share: 1 / Double(batches.count))
      let tape = Tape(
        compute: model.compute, records: true, step: key, drops: Stage.usesDropout, weights: weights, balance: balance)
      let part = try stage.loss(of: batch, model: model, on: tape)
      guard part.value.isFinite else { throw TrainingError.lossNotFinite(step: name, rows: numbers) }
      tape.backward(from: part.loss)
      step.loss += part.value
      if let balance {
        step.loss += Double(balance.coefficient) * balance.loss
        step.measures["router_loss", default: StageLoss.Measure(sum: 0, weight: 0)].sum += balance.loss
        step.measures["router_loss", default: StageLoss.Measure(sum: 0, weight: 0)].weight += 1
      }
      step.labelTokens += part.labelTokens
      for (name, measure) in part.measures {
        step.measures[name, default: StageLoss.Measure(sum: 0, weight: 0)].sum += measure.sum
        step.measures[name, default: StageLoss.Measure(sum: 0, weight: 0)].weight += measure.weight
      }
    }

    step.gradNorm = model.compute.gradientNorm(parameters)
    guard step.gradNorm.isFinite else { throw TrainingError.gradientNotFinite(step: name, rows: numbers) }
    let clip = settings.maxGradNorm.map { gradientClipScale(norm: step.gradNorm, maximum: $0) } ?? 1
    step.learningRate = settings.learningRate * settings.schedule.factor(step: state.step, total: total)
    let adam = AdamW(
      learningRate: step.learningRate, beta1: settings.optimizer.beta1, beta2: settings.optimizer.beta2,
      epsilon: settings.optimizer.epsilon)
    model.compute.update(slots, with: adam, step: name, gradientScale: clip)
    for parameter in parameters { parameter.clearGradient() }
    return step
  }

  /// What counts how evenly routers choose, where that is asked for and there are any.
  ///
  /// - Parameter share: What the part of a step counts that is computed together; all count alike.
  private func balance(share: Double) -> RouterBalance? {
    guard settings.routerBalance > 0, model.configuration.blocks.contains(where: { $0.experts != nil }) else {
      return nil
    }
    return RouterBalance(coefficient: Float(settings.routerBalance * share))
  }

  private func account(_ done: Step, seconds: Double) throws {
    state.step += 1
    let hasGrown = state.watch.add(
      loss: done.loss, gradNorm: done.gradNorm, learningRate: done.learningRate, rows: done.rows,
      rowsWithoutLabels: done.rowsWithoutLabels)
    if hasGrown, let usual = state.watch.usualNorm {
      onEvent(.gradientGrew(step: state.step, norm: done.gradNorm, usual: usual))
    }
    if state.watch.zeroRun >= TrainingWatch.zeroLimit {
      throw TrainingError.gradientZero(step: state.step, steps: state.watch.zeroRun)
    }
    state.tokens += done.tokens
    state.labelTokens += done.labelTokens
    state.seconds += seconds
    state.window.add(
      loss: done.loss, tokens: done.tokens, labelTokens: done.labelTokens, seconds: seconds, measures: done.measures)
  }

  private func record(_ object: JSON) {
    state.metrics.append(object)
    onEvent(.recorded(object))
  }

  private func save(_ fingerprint: String) throws -> String? {
    guard let checkpoints else { return nil }
    let path = try checkpoints.save(Checkpoint(fingerprint: fingerprint, state: state), slots)
    onEvent(.saved(step: state.step, path: path))
    return path
  }
}
