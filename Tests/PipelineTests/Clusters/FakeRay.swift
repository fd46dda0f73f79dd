import Foundation
import Pipeline
import PreciseJSON
import Synchronization
import TestKit

/// A dashboard with Ray's Jobs API that runs jobs on this machine and misbehaves as told; how it answers is what Ray 2.60 did.
final class FakeRay: Sendable {
  struct Job: Sendable {
    var status = "PENDING"
    var entrypoint: String
    var metadata: JSON
    var message = "Job has not started yet."
    var code: Int?
    var errorType: String?
  }

  struct State: Sendable {
    var jobs: [String: Job] = [:]
    /// What was submitted.
    var requests: [JSON] = []
    /// Places that were asked for with other words than GET.
    var words: [String] = []
    /// How many answers to submissions are lost yet.
    var lostAnswers = 0
    /// How many requests are not answered yet, as when the head is away.
    var silent = 0
    /// What a job becomes instead of running: a status, or nothing for one that is lost.
    var instead: (status: String?, errorType: String?)?
  }

  let server: ToyCacheServer
  let workspace: ToyWorkspace
  private let program: String
  let state = Mutex(State())

  init(_ program: String) throws {
    self.program = program
    workspace = try ToyWorkspace()
    server = try ToyCacheServer()
    server.misbehave { [weak self] in self?.reply(to: $0) ?? .bytes([]) }
  }

  func cluster(_ environment: [String: String] = [:]) throws -> Ray {
    try Ray(address: server.address, environment: environment, breath: 0.05, patience: 5)
  }

  func executor(_ cluster: (any Cluster)? = nil) throws -> ClusterExecutor {
    ClusterExecutor(
      try cluster ?? self.cluster(), store: workspace.store, worker: program, project: workspace.folder.path,
      pace: FakeSlurm.pace)
  }

  func run(_ text: String, cancellation: Cancellation = Cancellation()) throws -> RunSummary {
    try workspace.run(text, heavy: executor(), cancellation: cancellation)
  }

  private func reply(to request: ToyCacheServer.Request) -> ToyCacheServer.Reply {
    let isSilent = state.withLock { state in
      defer { state.silent = max(0, state.silent - 1) }
      if request.method != "GET" { state.words.append("\(request.method) \(request.path)") }
      return state.silent > 0
    }
    if isSilent { return .bytes([]) }
    let parts = request.path.split(separator: "/").map(String.init)
    switch (request.method, parts.count) {
    case ("GET", 2) where parts[1] == "version": return Self.answer(200, ["ray_version": "fake"])
    case ("POST", 2): return submit(request.body)
    case ("GET", 2):
      return Self.answer(200, .array(state.withLock { $0.jobs.map { Self.json($0, $1) } }))
    case ("GET", 3):
      return with(parts[2]) { id, job in Self.json(id, job) }
    case ("DELETE", 3):
      return with(parts[2]) { id, _ in
        state.withLock { $0.jobs[id] = nil }
        return ["deleted": true]
      }
    case ("POST", 4):
      return with(parts[2]) { id, _ in
        state.withLock { $0.jobs[id]?.status = "STOPPED" }
        let group = (try? String(contentsOfFile: group(id), encoding: .utf8)) ?? ""
        if let group = pid_t(group.trimmingCharacters(in: .whitespacesAndNewlines)) { kill(-group, SIGKILL) }
        return ["stopped": true]
      }
    default: return .answer(405)
    }
  }

  private func with(_ id: String, _ body: (String, Job) -> JSON) -> ToyCacheServer.Reply {
    guard let job = state.withLock({ $0.jobs[id] }) else {
      return .answer(404, body: Array("Job \(id) does not exist".utf8))
    }
    return Self.answer(200, body(id, job))
  }

  private func submit(_ body: [UInt8]) -> ToyCacheServer.Reply {
    guard let request = try? JSON(parsing: body, file: "request"), let id = request["submission_id"]?.string,
      let entrypoint = request["entrypoint"]?.string
    else { return .answer(400) }
    enum Kind { case known, silent, run, instead }
    let kind = state.withLock { state -> Kind in
      state.requests.append(request)
      guard state.jobs[id] == nil else { return .known }
      var job = Job(entrypoint: entrypoint, metadata: request["metadata"] ?? .null)
      if let instead = state.instead {
        job.status = instead.status ?? ""
        (job.errorType, job.message) = (instead.errorType, "What Ray says\nand more")
        state.instead = nil
        if instead.status != nil { state.jobs[id] = job }
        return .instead
      }
      state.jobs[id] = job
      guard state.lostAnswers > 0 else { return .run }
      state.lostAnswers -= 1
      return .silent
    }
    switch kind {
    case .known:
      let words = "Traceback\nValueError: Job with submission_id \(id) already exists. Please use another one."
      return .answer(500, body: Array(words.utf8))
    case .instead: break
    case .run, .silent: start(id, entrypoint)
    }
    return kind == .silent ? .bytes([]) : Self.answer(200, ["submission_id": JSON(id)])
  }

  /// Where a job's group of processes is noted.
  private func group(_ id: String) -> String { workspace.folder.path("group-of-\(id)") }

  private func start(_ id: String, _ entrypoint: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/setsid")
    process.arguments = ["--wait", "sh", "-c", "echo $$ > '\(group(id))'; \(entrypoint)"]
    process.standardInput = FileHandle.nullDevice
    process.terminationHandler = { [weak self] process in
      let code = Int(process.terminationStatus)
      self?.state.withLock { state in
        guard state.jobs[id]?.status == "RUNNING" else { return }
        state.jobs[id]?.status = code == 0 ? "SUCCEEDED" : "FAILED"
        state.jobs[id]?.code = code
        state.jobs[id]?.message = code == 0 ? "Job finished successfully." : "Job entrypoint command failed\nhi"
      }
    }
    state.withLock { state in
      do { try process.run() } catch { return }
      state.jobs[id]?.status = "RUNNING"
    }
  }

  private static func answer(_ status: Int, _ json: JSON) -> ToyCacheServer.Reply {
    .answer(status, body: Array(json.text().utf8))
  }

  private static func json(_ id: String, _ job: Job) -> JSON {
    [
      "type": "SUBMISSION", "submission_id": JSON(id), "status": JSON(job.status), "entrypoint": JSON(job.entrypoint),
      "message": JSON(job.message), "metadata": job.metadata, "driver_exit_code": job.code.map { JSON($0) } ?? .null,
      "error_type": job.errorType.map { JSON($0) } ?? .null,
    ]
  }
}
