import LanguageModels
import PreciseJSON
import Tensors
import TokenShards

/// Trains the trainable parameters of a model: the same loop for every stage.
///
/// Each step: rows of the step → batches of the stage → forward and backward of each batch, gradients added up → global
/// norm, clipping → optimizer. Every random number is a function of the seed and the step, so that a run that was killed and
/// resumed ends in the same bits as one that never was. The number of threads changes no bit either.
package final class TrainingLoop<Stage: TrainingStage> {
  package let model: LanguageModel
  package internal(set) var stage: Stage
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
  /// What the model answers to prompts, as records: asked every ``TrainingSettings/sampleEvery`` steps and at the end.
  package var sample: ((LanguageModel) throws -> [JSON])?
  /// Seconds on a clock that never goes back.
  package var clock: () -> Double = monotonicSeconds

  /// Asked after each step whether to save and go on.
  package var shouldSave: () -> Bool = { false }

  /// What is trained: the model's, then the stage's own.
  let parameters: [Parameter]
  let optimizer: any Optimizer
  let average: WeightAverage?
  /// What the adapter's method does in each step.
  let course: (any AdapterCourse)?
  let best: BestWeights?
  var order: DataOrder
  let dropoutKey: RandomKey
  let stageKey: RandomKey
  var state = TrainingState()
  private var knownTotal: Int?
  /// What evaluations have found so far: losses, and what the best weights go by.
  var heldOutLosses: [Double] = []
  var heldOutValues: [Double] = []

  /// - Throws: ``TrainingError`` for settings that make no sense, for no rows and for a model without anything to train;
  ///   what reading rows throws, where steps are cut by tokens.
  package init(
    model: LanguageModel, stage: Stage, rows: TrainingRows, settings: TrainingSettings,
    checkpoints: CheckpointFolder? = nil
  ) throws {
    try settings.validate()
    guard rows.count > 0 else { throw TrainingError.noRows }
    guard !model.trainableParameters.isEmpty else { throw TrainingError.nothingTrainable }
    self.model = model
    self.stage = stage
    self.rows = rows
    self.settings = settings
    self.checkpoints = checkpoints
    let groups = try ParameterGroups(
      model.trainableParameters + stage.parameters, settings.rules, learningRate: settings.learningRate,
      weightDecay: settings.weightDecay)
    parameters = groups.parameters
    let key = RandomKey(seed: settings.seed)
    optimizer =
      settings.draw.map { DrawnBlockOptimizer($0, settings.optimizer, groups.groups, key: key.child(3)) }
      ?? settings.optimizer.optimizer(for: groups.groups)
    average = settings.average.map { [parameters] in WeightAverage($0, parameters) }
    course = model.adapterCourse()
    best = settings.keepsBest ? BestWeights(parameters) : nil
    let size = try settings.batchTokens.map { most in
      DataOrder.StepSize.tokens(most, lengths: try (0..<rows.count).map { try rows.row($0).tokenCount })
    }
    order = DataOrder(
      rowCount: rows.count, size: size ?? .rows(settings.batchSize), shuffle: settings.shuffle, key: key.child(0))
    dropoutKey = key.child(1)
    stageKey = key.child(2)
    self.stage.begin(model)
  }

  /// The steps from the first to the last.
  ///
  /// Cost: where the length is given in tokens, the first call reads every row.
  package func totalSteps() throws -> Int {
    if let knownTotal { return knownTotal }
    let total = try order.totalSteps(settings.length, stepsOnRows: stage.stepsOnRows) { try rows.row($0).tokenCount }
    knownTotal = total
    return total
  }

  /// Trains to the end, from the newest checkpoint that verifies when there is one.
  ///
  /// - Throws: ``TrainingInterrupted`` when asked to stop, ``TrainingError``, and what rows, stage, evaluation and
  ///   checkpoint files throw.
  package func run() throws -> TrainingResult {
    let total = try totalSteps()
    try course?.check(steps: total)
    let fingerprint = fingerprint(totalSteps: total)
    state = try resumed(fingerprint) ?? TrainingState()
    heldOutLosses = told("loss")
    heldOutValues = told(settings.measure.name)
    onEvent(.started(step: state.step, totalSteps: total))
    let first = state.step
    let secondsBefore = state.seconds
    var moment = settings.maxSeconds.map { _ in clock() }
    if settings.evaluateFirst, state.step == 0 { try lookAtHeldOutRows() }

    var ending = state.step < total ? nil : TrainingEnding.length
    while ending == nil {
      let begin = clock()
      let done = try takeStep(total: total)
      let seconds = clock() - begin
      try account(done, seconds: seconds)
      if state.step == total { ending = .length }
      if let limit = settings.maxSeconds, ending == nil, pass(&moment) >= limit { ending = .time }

      let pace = (state.seconds - secondsBefore) / Double(state.step - first)
      onEvent(
        .progressed(
          TrainingEvent.Progress(
            step: state.step, totalSteps: total, loss: done.loss, gradNorm: done.gradNorm,
            tokensPerSecond: seconds > 0 ? Double(done.tokens) / seconds : 0,
            secondsLeft: min(
              pace * Double(total - state.step), settings.maxSeconds.map { max(0, $0 - state.elapsed) } ?? .infinity),
            measures: Dictionary(done.measures.means.map { ($0.name, $0.value) }) { first, _ in first })))
      if state.step % settings.logEvery == 0 || ending != nil { recordWindow(done) }
      if let every = settings.evaluateEvery, state.step % every == 0 || ending != nil {
        try lookAtHeldOutRows()
        if ending == nil, settings.earlyStopping?.isOver(heldOutValues, settings.measure) == true {
          ending = .noBetter
          if state.window.steps > 0 { recordWindow(done) }
        }
      }
      if let every = settings.sampleEvery, state.step % every == 0 || ending != nil { try lookAtAnswers() }
      guard ending == nil else { break }
      let stop = shouldStop()
      let isDue = shouldSave() || state.step % (settings.saveEvery ?? .max) == 0
      let path = stop || isDue ? try save(fingerprint) : nil
      if stop { throw TrainingInterrupted(step: state.step, totalSteps: total, checkpoint: path) }
    }
    show(.result)
    if state.best != nil { best?.putBack() }
    return TrainingResult(
      steps: state.step, totalSteps: total, ending: ending ?? .length, bestStep: state.best?.step,
      tokens: state.tokens, labelTokens: state.labelTokens, seconds: state.seconds,
      metrics: state.metrics, watch: state.watch)
  }

  /// What a checkpoint holds.
  var tensors: [NamedTensor] {
    parameters.map { ("parameter.\($0.name)", $0.value) } + optimizer.tensors + (average?.tensors ?? [])
      + (best?.tensors ?? []) + stage.tensors + courseTensors
  }

  /// What the adapter's method remembers.
  private var courseTensors: [NamedTensor] { course?.tensors.map { ("course.\($0.name)", $0.value) } ?? [] }

  /// The state of the newest checkpoint that verifies, its tensors and the stage put back.
  private func resumed(_ fingerprint: String) throws -> TrainingState? {
    let found = try checkpoints?.resume(
      fingerprint: fingerprint,
      into: { step in
        optimizer.expect(step: step)
        return tensors
      }, accepts: { stage.restore($0.stage) })
    if found == nil { optimizer.expect(step: 0) }
    return found
  }

  private func save(_ fingerprint: String) throws -> String? {
    guard let checkpoints else { return nil }
    state.stage = stage.state
    let path = try checkpoints.save(Checkpoint(fingerprint: fingerprint, state: state), tensors)
    onEvent(.saved(step: state.step, path: path))
    return path
  }
}
