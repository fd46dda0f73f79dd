import Diagnostics
import PreciseJSON

/// Something that happens in a run.
package enum RunEvent: Sendable {
  case started(run: String, pipeline: String, nodes: [String])
  case nodeStarted(node: String, type: String, key: Digest, reason: RunReason, attempt: Int, isWorker: Bool)
  /// Another process works on the same action; its result is awaited.
  case nodeWaiting(node: String, key: Digest, owner: LeaseOwner?)
  /// A remote cache had the result; it stands in the store now.
  case nodeFetched(node: String, key: Digest, cache: String)
  /// A result stands in the store and could not be put into remote caches.
  case notShared(node: String, key: Digest, [String])
  case nodeReport(node: String, NodeReport)
  /// A stored result cannot be used, so its producer runs again.
  case healing(node: String, DeadEntry)
  /// The node made other bytes than those that stood under its key; the first ones stay unless they are replaced.
  case differs(node: String, key: Digest, isReplaced: Bool)
  /// A forced node made the same bytes as stood under its key.
  case agrees(node: String, key: Digest)
  case retrying(node: String, attempt: Int, [Diagnostic])
  case nodeEnded(NodeRecord)
  /// The user asked to stop.
  case stopping(Cancellation.Level)
  case ended(RunSummary)
}

/// Receives the events of a run, one at a time, in their order.
package protocol EventSink: Sendable {
  /// Takes an event and its time, in seconds since 1970.
  func receive(_ event: RunEvent, time: Double)
}

extension RunEvent {
  /// The event as one JSON object, without its time.
  package var json: JSON {
    switch self {
    case .started(let run, let pipeline, let nodes):
      ["event": "run_started", "run": JSON(run), "pipeline": JSON(pipeline), "nodes": .array(nodes.map { JSON($0) })]
    case .nodeStarted(let node, let type, let key, let reason, let attempt, let isWorker):
      [
        "event": "node_started", "node": JSON(node), "type": JSON(type), "key": JSON(key.hex),
        "reason": JSON(reason.words), "attempt": JSON(attempt), "worker": JSON(isWorker),
      ]
    case .nodeWaiting(let node, let key, let owner):
      [
        "event": "node_waiting", "node": JSON(node), "key": JSON(key.hex), "host": owner.map { JSON($0.host) } ?? .null,
        "process": owner.map { JSON($0.process) } ?? .null,
      ]
    case .nodeFetched(let node, let key, let cache):
      ["event": "node_fetched", "node": JSON(node), "key": JSON(key.hex), "cache": JSON(cache)]
    case .notShared(let node, let key, let problems):
      [
        "event": "not_shared", "node": JSON(node), "key": JSON(key.hex),
        "problems": .array(problems.map { JSON($0) }),
      ]
    case .nodeReport(let node, .progress(let update)):
      ["event": "progress", "node": JSON(node), "progress": update.json]
    case .nodeReport(let node, .log(let line)): ["event": "log", "node": JSON(node), "line": JSON(line)]
    case .nodeReport(let node, .warning(let diagnostic)):
      ["event": "warning", "node": JSON(node), "diagnostic": diagnostic.json]
    case .healing(let node, let reason): ["event": "healing", "node": JSON(node), "reason": JSON(reason.words)]
    case .agrees(let node, let key): ["event": "agrees", "node": JSON(node), "key": JSON(key.hex)]
    case .differs(let node, let key, let isReplaced):
      ["event": "differs", "node": JSON(node), "key": JSON(key.hex), "replaced": JSON(isReplaced)]
    case .retrying(let node, let attempt, let problems):
      [
        "event": "retrying", "node": JSON(node), "attempt": JSON(attempt),
        "diagnostics": .array(problems.map(\.json)),
      ]
    case .nodeEnded(let record): ["event": "node_ended", "node": JSON(record.name), "record": record.json]
    case .stopping(let level): ["event": "stopping", "now": JSON(level == .immediate)]
    case .ended(let summary):
      ["event": "run_ended", "state": JSON(summary.state.rawValue), "seconds": JSON(summary.seconds)]
    }
  }
}

extension RunEvent {
  /// The event with its time as one line of JSON, without its end.
  package func line(time: Double) -> String {
    let members = [(key: "time", value: JSON(time))] + (json.object?.members ?? [])
    return JSON(members).text()
  }
}

extension RunReason {
  /// The reason in words, such as "there is no result for it yet".
  package var words: String {
    switch self {
    case .noResult: "there is no result for it yet"
    case .dead(let entry): entry.words
    case .forced: "forced"
    case .unversioned: "it has no version, so nothing tells whether its last result still holds"
    case .stale(let freshness): freshness.words
    }
  }
}

extension NodeRecord {
  /// The record as kept in `run.json`.
  package var json: JSON {
    var object = JSONObject([
      (key: "name", value: JSON(name)), (key: "type", value: JSON(type)), (key: "state", value: JSON(state.rawValue)),
      (key: "plan_key", value: JSON(planKey.hex)), (key: "key", value: key.map { JSON($0.hex) } ?? .null),
      (key: "reason", value: reason.map { JSON($0.words) } ?? .null),
      (key: "seconds", value: seconds.map { JSON($0) } ?? .null),
      (key: "peak_memory", value: peakMemory.map { JSON($0) } ?? .null),
      (key: "peak_memory_of", value: measuredProcess.map { JSON($0.rawValue) } ?? .null),
      (key: "attempts", value: JSON(attempts)),
    ])
    if let member { object["member"] = member.json }
    if let sameWorkAs { object["same_work_as"] = JSON(sameWorkAs) }
    if !blockedBy.isEmpty { object["blocked_by"] = .array(blockedBy.map { JSON($0) }) }
    if !notShared.isEmpty { object["not_shared"] = .array(notShared.map { JSON($0) }) }
    if !problems.isEmpty { object["diagnostics"] = .array(problems.map(\.json)) }
    object["outputs"] = JSON(
      (result?.outputs ?? [:]).sorted { $0.key < $1.key }.map { port, artefact -> (key: String, value: JSON) in
        let manifest = artefact.manifestBlob
        return (
          port,
          [
            "type": JSON(artefact.type.name), "digest": JSON(manifest.digest.hex), "manifest_size": JSON(manifest.size),
            "size": JSON(artefact.size), "files": JSON(artefact.members.count),
          ]
        )
      })
    if let preimage { object["preimage"] = preimage.json }
    return .object(object)
  }
}
