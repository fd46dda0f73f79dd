import PreciseJSON

/// Writes a run's record while it happens: every event into `events.jsonl`, the state of things into `run.json` at the
/// start and at the end.
package final class RunRecorder: EventSink {
  package let id: String
  private let history: RunHistory
  private let header: JSONObject
  /// Progress is kept once a second and node.
  private let pace = ProgressPace(seconds: 1)

  init(
    id: String, pipeline: ResolvedPipeline, purpose: RunPurpose?, environment: JSON, history: RunHistory
  ) throws {
    self.id = id
    self.history = history
    let outputs = Set(pipeline.outputs.map(\.node))
    var header = JSONObject([
      (key: "id", value: JSON(id)), (key: "pipeline", value: JSON(pipeline.name)),
      (key: "file", value: JSON(pipeline.file)),
      (key: "parameters", value: JSON(pipeline.parameters.map { (key: $0.name, value: JSON($0.value)) })),
      (key: "started", value: JSON(Double(wallClock()) / 1e9)), (key: "owner", value: LeaseOwner.current().json),
      (key: "environment", value: environment),
      (
        key: "graph",
        value: .array(
          pipeline.nodes.map { RunRecord.Declared($0, isOutput: outputs.contains($0.name)).json })
      ),
    ])
    if let purpose { header["purpose"] = JSON(purpose.rawValue) }
    self.header = header
    try write(.running, seconds: nil, nodes: [])
    try history.files.undurable.create(history.pipelinePath(of: id), Array(pipeline.text.utf8), mode: 0o644)
  }

  /// Where a node's log goes.
  package func logPath(_ node: String) -> String { history.logPath(run: id, node: node) }

  package func receive(_ event: RunEvent, time: Double) {
    if case .nodeReport(let node, .progress) = event, !pace.isDue(node, time) { return }
    let path = history.folder(of: id) + "/events.jsonl"
    try? history.files.append(path, Array((event.line(time: time) + "\n").utf8))
    // The index takes the run over when it is next asked something.
    if case .ended(let summary) = event {
      try? write(summary.state, seconds: summary.seconds, nodes: summary.nodes)
    }
  }

  private func write(_ state: RunSummary.State, seconds: Double?, nodes: [NodeRecord]) throws {
    var object = header
    object["state"] = JSON(state.rawValue)
    object["seconds"] = seconds.map { JSON($0) } ?? .null
    object["nodes"] = .array(nodes.map(\.json))
    let folder = history.folder(of: id)
    try history.files.undurable.replace(
      folder + "/run.json", Array((JSON.object(object).text(.pretty) + "\n").utf8),
      temporary: "\(folder)/.\(uniqueName())")
  }
}
