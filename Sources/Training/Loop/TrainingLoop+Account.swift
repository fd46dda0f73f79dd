import PreciseJSON

extension TrainingLoop {
  /// Counts the time since a moment, which becomes now.
  ///
  /// - Returns: All time so far, before an interruption included.
  func pass(_ moment: inout Double?) -> Double {
    let now = clock()
    state.elapsed += now - (moment ?? now)
    moment = now
    return state.elapsed
  }

  /// Counts a finished step and looks at what it tells.
  func account(_ done: Step, seconds: Double) throws {
    state.step += 1
    let hasGrown = state.watch.add(
      loss: done.loss, gradNorm: done.gradNorm, learningRate: done.learningRate, rows: done.rows,
      rowsWithoutLabels: done.rowsWithoutLabels)
    if hasGrown, let usual = state.watch.usualNorm {
      onEvent(.gradientGrew(step: state.step, norm: done.gradNorm, usual: usual))
    }
    if state.watch.zeroRun == TrainingWatch.zeroLimit {
      // What had a gradient may have nothing left to learn (margins that are reached), and all samples may earn the same.
      guard state.watch.largestNorm > 0 || Stage.samplesRows else {
        throw TrainingError.gradientZero(step: state.step, steps: state.watch.zeroRun)
      }
      onEvent(.gradientGone(step: state.step, steps: state.watch.zeroRun, isOfSamples: Stage.samplesRows))
    }
    if let watchdog = settings.watchdog, let usual = state.watchdog.add(done.loss, watchdog) {
      guard watchdog.action == .warn else {
        throw TrainingError.lossGrew(
          step: state.step, steps: watchdog.steps, loss: done.loss, usual: usual, factor: watchdog.factor)
      }
      onEvent(.lossGrew(step: state.step, loss: done.loss, usual: usual))
    }
    state.tokens += done.tokens
    state.labelTokens += done.labelTokens
    state.seconds += seconds
    state.window.add(
      loss: done.loss, tokens: done.tokens, labelTokens: done.labelTokens, seconds: seconds, measures: done.measures)
  }

  /// Records the steps since the last record.
  func recordWindow(_ done: Step) {
    record(
      state.window.record(
        step: state.step, epoch: order.epochs(after: state.step, stepsOnRows: stage.stepsOnRows),
        gradNorm: done.gradNorm, learningRate: done.learningRate))
    state.window = MetricsWindow()
  }

  func record(_ object: JSON) {
    state.metrics.append(object)
    onEvent(.recorded(object))
  }
}
