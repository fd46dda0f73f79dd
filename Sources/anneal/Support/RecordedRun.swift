import Diagnostics
import FineTuningNodes
import Glibc
import Pipeline
import PreciseJSON

/// A run of a pipeline with its record in the project's history.
struct RecordedRun {
  let workplace: Workplace
  let store: Store
  let remotes: RemoteCaches
  let sinks: [any EventSink]
  /// Which command it is made for; nil of ordinary runs.
  var purpose: RunPurpose?
  /// Performs heavy nodes; worker processes of this machine do unless given.
  var heavy: (any Executor)?

  /// - Throws: What keeps the run from being recorded, or started; failures of nodes are in the summary.
  func callAsFunction(
    _ pipeline: ResolvedPipeline, _ options: RunOptions, _ cancellation: Cancellation
  ) throws -> RunSummary {
    let history = workplace.history
    let recorder: RunRecorder
    do {
      recorder = try history.begin(pipeline, purpose: purpose, environment: JSON(try MachineFacts.decisive()))
    } catch let error as SystemError where [EROFS, EACCES].contains(error.code) {
      throw Diagnostic(
        code: "no-record", "Cannot keep a record of the run in this folder", reason: "`\(error.path)`: \(error.words)",
        advice: "start in a folder that you may write")
    }
    let scheduler = Scheduler(
      store: store, check: fineTuningChecks, heavy: heavy, remotes: remotes,
      expectations: { history.expectations(pipeline: $0, nodes: $1) }, sinks: [recorder] + sinks,
      logPath: recorder.logPath)
    // What comes after the run reads its results: they are kept as long as this process lives.
    var options = options
    options.holdsResults = true
    return try scheduler.run(
      pipeline, id: recorder.id, project: workplace.project, purpose: purpose, options: options,
      cancellation: cancellation)
  }
}
