import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Training

/// What a training tells: lines and progress while it runs, `metrics.jsonl` with its pictures afterwards.
enum TrainReport {
  static func tell(_ event: TrainingEvent, _ measures: [StageMeasure], to context: NodeContext) {
    switch event {
    case .started(let step, let total):
      if step > 0 { context.log("goes on after step \(step) of \(total), from a checkpoint") }
    case .progressed(let progress):
      let measured = measures.compactMap { measure in
        measure.progress.flatMap { name in
          progress.measures[measure.name].map { ProgressUpdate.Metric(name, $0, measure.format) }
        }
      }
      context.progress(
        ProgressUpdate(
          step: progress.step, total: progress.totalSteps,
          metrics: [.init("loss", progress.loss)] + measured + [.init("tokens", progress.tokensPerSecond, .perSecond)],
          secondsLeft: progress.secondsLeft))
    case .recorded(let record):
      for line in TrainSamples.lines(record) { context.log(line) }
      if let loss = record["eval_loss"]?.double, let step = record["step"]?.int {
        let told = measures.filter(\.isToldOfHeldOut).compactMap { measure in
          record["eval_\(measure.name)"]?.double.map { ", \(measure.progress ?? measure.name) \($0)" }
        }
        context.log("step \(step): held-out loss \(loss)\(told.joined())")
      }
    case .gradientGrew(let step, let norm, let usual):
      context.warn(
        Diagnostic(
          .warning, code: "gradient-grew",
          "The gradient's norm is \(EventWords.value(norm, .plain)) in step \(step), "
            + "the usual one is \(EventWords.value(usual, .plain))",
          reason: "the training may be diverging; clipping hides it from the loss at first",
          advice: "stop it (what is done is saved) and lower `learning_rate` if the loss rises"))
    case .gradientGone(let step, let steps, let isOfSamples):
      context.warn(
        Diagnostic(
          .warning, code: "gradient-gone", "The gradient was exactly zero for \(steps) steps, up to step \(step)",
          reason: isOfSamples
            ? "all answers to a prompt earned the same in each of them, so none is better than another (`dead_groups`)"
            : "these rows have nothing left to teach: their margins are reached",
          advice: isOfSamples
            ? "ask easier or harder prompts, or sample more answers to each" : "take fewer steps, or harder rows"))
    case .lossGrew(let step, let loss, let usual):
      context.warn(
        Diagnostic(
          .warning, code: "loss-grew",
          "The loss has run away: it is \(EventWords.value(loss, .plain)) in step \(step), "
            + "the usual one is \(EventWords.value(usual, .plain))",
          advice: "stop it (what is done is saved) and lower `learning_rate`"))
    case .saved: break
    }
  }

  /// Says why a training ended before its length, and which of its weights it gives.
  static func tellEnding(_ result: TrainingResult, to context: NodeContext) {
    switch result.ending {
    case .length: break
    case .time:
      let words = "`max_time` ended the training after step \(result.steps) of \(result.totalSteps)"
      context.log(words)
      context.warn(
        Diagnostic(
          .warning, code: "stopped-by-time", words,
          reason: "how far it came is the clock's doing: the same training elsewhere may give other weights",
          advice: "this result is kept and used as it is; leave `max_time` out for one that can be repeated"))
    case .noBetter:
      context.log("`early_stopping` ended the training after step \(result.steps) of \(result.totalSteps)")
    }
    if let step = result.bestStep { context.log("the result is what was best on held-out rows, after step \(step)") }
  }

  static func publish(
    _ whole: TrainingResult, _ picture: StagePicture?, _ fields: TrainFields, to output: ArtefactBuilder
  ) throws {
    let (samples, others) = TrainSamples.split(whole.metrics)
    if !samples.isEmpty { try output.write(TrainSamples.text(samples), to: TrainSamples.member) }
    var result = whole
    result.metrics = others
    let computed = result.metrics.map { record in
      JSON((record.object?.members ?? []).filter { $0.key != MetricsWindow.measured })
    }
    func lines(_ records: [JSON]) -> String { records.map { $0.text() + "\n" }.joined() }
    try output.write(lines(computed), shownAs: lines(result.metrics), to: MemberName.steps)
    func points(_ key: String) -> [(step: Int, value: Double)] {
      result.metrics.compactMap { record in
        guard let step = record["step"]?.int, let value = record[key]?.double else { return nil }
        return (step, value)
      }
    }
    let curve = LossCurve.svg(
      title: "Training loss", logged: points("loss"), evaluated: points("eval_loss"))
    try output.write(curve, to: "loss.svg")
    for report in TrainFields.Report.allCases where fields.reportTo.contains(report) {
      try write(report, result, fields.settings, to: output)
    }
    if fields.schedule.settings.schedule is RangeTestSchedule {
      try output.write(MeasureCurves.range(result.metrics), to: MeasureCurves.rangeMember)
    }
    if let picture { try output.write(picture.svg(points), to: picture.file) }
    if let sources = StagePicture.ofSources(result.metrics) { try output.write(sources.svg(points), to: sources.file) }
    output.details["steps"] = JSON(result.steps)
    if result.ending != .length { output.details["ended_by"] = JSON(result.ending.fieldName) }
    if let step = result.bestStep { output.details["best_step"] = JSON(step) }
    output.details["tokens"] = JSON(result.tokens)
    output.details["label_tokens"] = JSON(result.labelTokens)
  }

  private static func write(
    _ report: TrainFields.Report, _ result: TrainingResult, _ settings: TrainingSettings, to output: ArtefactBuilder
  ) throws {
    switch report {
    case .tensorboard:
      try output.write(
        EventFile(result.metrics, end: nil).bytes,
        shownAs: EventFile(result.metrics, end: Date().timeIntervalSince1970).bytes, to: EventFile.member)
    case .trainerState:
      let state = TrainerState(result: result, settings: settings)
      try output.write(
        state.text(measured: false), shownAs: state.text(measured: true), to: TrainerState.member)
    case .curves: try output.write(MeasureCurves.page(result.metrics), to: MeasureCurves.member)
    }
  }
}

extension TrainingEnding {
  /// The field that a training ended by.
  fileprivate var fieldName: String {
    switch self {
    case .length: "length"
    case .time: "max_time"
    case .noBetter: "early_stopping"
    }
  }
}
