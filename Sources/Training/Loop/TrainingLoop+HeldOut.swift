import LanguageModels
import PreciseJSON

extension TrainingLoop {
  /// What records so far tell of held-out rows.
  func told(_ measure: String) -> [Double] { state.metrics.compactMap { $0["eval_\(measure)"]?.double } }

  /// Puts what is evaluated and published in place of what is trained, or back.
  func show(_ weights: ShownWeights) {
    optimizer.show(weights)
    average?.exchange(on: model.compute)
    course?.settle()
  }

  /// Evaluates, records what is found, and keeps the weights where they are the best so far.
  func lookAtHeldOutRows() throws {
    guard let evaluate else { return }
    show(.result)
    let numbers = try evaluate(model)
    let value = numbers.first { $0.name == settings.measure.name }?.value
    if settings.keepsBest || settings.earlyStopping != nil, value == nil {
      throw TrainingError.noSuchMeasure(name: settings.measure.name, names: numbers.map(\.name))
    }
    if let value, value.isFinite, let best, state.best.map({ settings.measure.isBetter(value, than: $0.value) }) ?? true
    {
      best.keep()
      state.best = BestWeights.Found(step: state.step, value: value)
    }
    show(.training)
    heldOutLosses += numbers.filter { $0.name == "loss" }.map(\.value)
    heldOutValues += [value].compactMap { $0 }
    record(JSON([("step", JSON(state.step))] + numbers.map { (key: "eval_\($0.name)", value: JSON($0.value)) }))
  }

  /// Records what the model answers, as it is evaluated and published.
  func lookAtAnswers() throws {
    guard let sample else { return }
    show(.result)
    let answers = try sample(model)
    show(.training)
    record(["step": JSON(state.step), "samples": .array(answers)])
  }
}
