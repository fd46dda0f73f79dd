import Diagnostics
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
    case .saved: break
    }
  }

  static func publish(_ result: TrainingResult, _ picture: StagePicture?, to output: ArtefactBuilder) throws {
    let computed = result.metrics.map { record in
      JSON((record.object?.members ?? []).filter { $0.key != MetricsWindow.measured })
    }
    func lines(_ records: [JSON]) -> String { records.map { $0.text() + "\n" }.joined() }
    try output.write(lines(computed), shownAs: lines(result.metrics), to: "metrics.jsonl")
    func points(_ key: String) -> [(step: Int, value: Double)] {
      result.metrics.compactMap { record in
        guard let step = record["step"]?.int, let value = record[key]?.double else { return nil }
        return (step, value)
      }
    }
    let curve = LossCurve.svg(
      title: "Training loss", logged: points("loss"), evaluated: points("eval_loss"))
    try output.write(curve, to: "loss.svg")
    if let picture { try output.write(picture.svg(points), to: picture.file) }
    output.details["steps"] = JSON(result.steps)
    output.details["tokens"] = JSON(result.tokens)
    output.details["label_tokens"] = JSON(result.labelTokens)
  }
}
