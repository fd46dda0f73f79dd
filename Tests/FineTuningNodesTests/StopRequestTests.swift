import Diagnostics
import FineTuningNodes
import Pipeline
import TestKit
import Testing

/// Nodes that train nothing stop on request too: between two tensors.
struct StopRequestTests {
  /// Performs nodes in this process, one of them after it was asked to stop.
  private struct StoppingExecutor: Executor {
    let base: InProcessExecutor
    let node: String

    func execute(
      _ job: ActionJob, log: String, stop: Cancellation, report: @escaping NodeReport.Receiver
    ) -> ActionOutcome {
      if job.node == node { stop.request() }
      return base.execute(job, log: log, stop: stop, report: report)
    }
  }

  private static let pipeline = """
    pipeline: stops
    nodes:
      tokenizer: {type: load_tokenizer, from: DIR/tiny}
      base: {type: load_model, from: DIR/tiny, compute: f32}
      fresh: {type: attach_adapter, model: base, rank: 2}
      given: {type: attach_adapter, model: base, from: DIR/adapter}
      merged: {type: merge, model: given}
      folder: {type: export, model: merged, tokenizer: tokenizer}
      adapter_folder: {type: export, model: given, tokenizer: tokenizer}
      answers: {type: predict, model: merged, tokenizer: tokenizer, prompts: [Hello], max_tokens: 2}
    """

  @Test(arguments: ["fresh", "given", "merged", "folder", "adapter_folder", "answers"])
  func stopsBetweenTensors(_ node: String) throws {
    let workspace = try TinyWorkspace()
    let keeper = LeaseKeeper(store: workspace.store)
    let executor = InProcessExecutor(store: workspace.store, keeper: keeper, check: fineTuningChecks)
    let logs = workspace.folder.path
    let pipeline = try workspace.pipeline(Self.pipeline)
    func run(_ heavy: any Executor) throws -> RunSummary {
      try Scheduler(
        store: workspace.store, check: fineTuningChecks, heavy: heavy, keeper: keeper, logPath: { "\(logs)/\($0).log" }
      ).run(pipeline, id: RunHistory.newIdentifier(), project: logs)
    }
    #expect(try run(StoppingExecutor(base: executor, node: node))[node]?.state == .interrupted)
    let again = try run(executor)
    #expect(again.state == .done, "\(again.nodes.flatMap(\.problems).map(\.summary))")
    #expect(again[node]?.state == .ran)
  }
}
