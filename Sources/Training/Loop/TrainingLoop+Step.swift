import LanguageModels
import Tensors
import TokenShards

extension TrainingLoop {
  /// What a finished step tells.
  struct Step {
    var loss = 0.0
    var gradNorm = 0.0
    var learningRate = 0.0
    var tokens = 0
    var labelTokens = 0
    var rows = 0
    var rowsWithoutLabels = 0
    var measures = Measures()
  }

  /// One optimizer step.
  func takeStep(total: Int) throws -> Step {
    let numbers = Array(order.rows(step: state.step / stage.stepsOnRows))
    let name = state.step + 1
    let stepRows = try numbers.map { try rows.row($0) }
    optimizer.prepare(step: name)
    // Dropout gives every sequence numbers of its own.
    let drops = Stage.usesDropout && (model.adapter?.dropout ?? 0) > 0
    let batches = try stage.batches(
      of: StageStep(
        stepRows, numbers: numbers, BatchRules(tokenBudget: settings.tokenBudget, sharesPrefixes: !drops), model: model,
        number: state.step, key: stageKey.child(UInt64(state.step))))
    guard !batches.isEmpty || Stage.samplesRows else { throw TrainingError.noLabels(step: name, rows: numbers) }

    var step = Step()
    step.tokens = stage.tokenCount(of: stepRows, step: state.step)
    step.rows = stepRows.count
    step.rowsWithoutLabels = Stage.samplesRows ? 0 : stepRows.count { $0.labelCount == 0 }
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
        step.measures.tell("router_loss", balance.loss)
      }
      step.labelTokens += part.labelTokens
      step.measures.add(part.measures)
    }

    if let penalty = course?.addPenalty() { step.measures.tell(penalty.name, penalty.value) }
    step.gradNorm = model.compute.gradientNorm(parameters)
    guard step.gradNorm.isFinite else { throw TrainingError.gradientNotFinite(step: name, rows: numbers) }
    let clip = clip(norm: step.gradNorm)
    step.learningRate =
      optimizer.ownRate(name) ?? settings.learningRate
      * settings.schedule.factor(
        step: state.step, total: total, peak: settings.learningRate, heldOutLosses: heldOutLosses)
    optimizer.take(
      OptimizerStep(number: name, learningRate: step.learningRate, gradientScale: clip), on: model.compute)
    course?.act(after: name, of: total, gradientScale: clip)
    average?.add(step: name, on: model.compute)
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
}
