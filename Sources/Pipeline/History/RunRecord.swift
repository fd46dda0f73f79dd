import Diagnostics
import PreciseJSON

/// What `run.json` says about a run.
package struct RunRecord: Sendable {
  package struct Node: Sendable {
    package var name: String
    package var type: String
    package var state: NodeState
    package var planKey: Digest?
    package var key: Digest?
    package var preimage: KeyPreimage?
    package var reason: String?
    package var seconds: Double?
    package var peakMemory: Int?
    package var measuredProcess: MeasuredProcess?
    package var attempts: Int
    /// Which node of a matrix it is.
    package var member: MatrixMember?
    package var problems: [Diagnostic]
    /// Digest and size of the manifest of each output.
    package var outputs: [(port: String, type: String, manifest: BlobReference)]
  }

  package var id: String
  package var pipeline: String
  /// The pipeline file.
  package var file: String
  package var parameters: [(name: String, value: String)]
  package var state: RunSummary.State
  /// Seconds since 1970.
  package var started: Double
  package var seconds: Double?
  package var nodes: [Node]
  /// The graph; nothing in records of versions that did not keep it.
  package var graph: [Declared]
  /// What the run found on its machine, such as `version`.
  package var environment: JSONObject
  /// Which command made it; nil of ordinary runs.
  package var purpose: RunPurpose?
  /// The process that runs it.
  package var owner: LeaseOwner?
  package var folder: String
  /// The whole record, for `--json`.
  package var json: JSON

  /// A run whose process is gone without having said how it ended was killed; what it had done is safe.
  package var isAbandoned: Bool { state == .running && (owner?.isGone ?? false) }

  /// - Throws: ``DamagedRecord``.
  init(json: JSON, folder: String) throws {
    guard let id = json["id"]?.string, let pipeline = json["pipeline"]?.string,
      let state = json["state"]?.string.flatMap(RunSummary.State.init), let started = json["started"]?.double,
      let nodes = json["nodes"]?.array
    else { throw DamagedRecord(folder: folder) }
    self.id = id
    self.pipeline = pipeline
    self.state = state
    self.started = started
    self.folder = folder
    self.json = json
    file = json["file"]?.string ?? ""
    seconds = json["seconds"]?.double
    owner = json["owner"].flatMap { LeaseOwner(Array($0.text().utf8)) }
    parameters = (json["parameters"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") }
    graph = (json["graph"]?.array ?? []).compactMap(Declared.init)
    environment = json["environment"]?.object ?? JSONObject()
    purpose = json["purpose"]?.string.flatMap(RunPurpose.init)
    self.nodes = try nodes.map { node in
      guard let node = Node(node) else { throw DamagedRecord(folder: folder) }
      return node
    }
  }
}

extension RunRecord.Node {
  init?(_ json: JSON) {
    guard let name = json["name"]?.string, let type = json["type"]?.string,
      let state = json["state"]?.string.flatMap(NodeState.init)
    else { return nil }
    self.name = name
    self.type = type
    self.state = state
    planKey = json["plan_key"]?.string.flatMap(Digest.init(hex:))
    key = json["key"]?.string.flatMap(Digest.init(hex:))
    preimage = json["preimage"].flatMap(KeyPreimage.init(json:))
    reason = json["reason"]?.string
    seconds = json["seconds"]?.double
    peakMemory = json["peak_memory"]?.int
    measuredProcess = json["peak_memory_of"]?.string.flatMap(MeasuredProcess.init)
    attempts = json["attempts"]?.int ?? 0
    member = json["member"].flatMap(MatrixMember.init)
    problems = (json["diagnostics"]?.array ?? []).compactMap(Diagnostic.init(json:))
    outputs = (json["outputs"]?.object?.members ?? []).compactMap { port, value in
      guard let type = value["type"]?.string, let digest = value["digest"]?.string.flatMap(Digest.init(hex:)),
        let size = value["manifest_size"]?.int
      else { return nil }
      return (port, type, BlobReference(digest: digest, size: size))
    }
  }
}

/// A `run.json` that is not there or cannot be understood.
struct DamagedRecord: Error {
  var folder: String
  var isMissing = false
}

extension DamagedRecord: DiagnosticError {
  var diagnostics: [Diagnostic] {
    [
      isMissing
        ? Diagnostic(
          code: "missing-record", "The run in `\(folder)` has no record `run.json`",
          reason: "it was killed before it began, or the record was removed",
          advice: "remove the folder unless you need something in it")
        : Diagnostic(
          code: "damaged-record", "The record `\(folder)/run.json` cannot be understood",
          advice: "`anneal report-bug` gathers what is left; then remove the folder")
    ]
  }
}
