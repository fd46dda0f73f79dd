import PreciseJSON

/// What the worker of a job finds written that was handed over with a whole pipeline.
///
/// It lies in a folder with the orders of the other jobs and the pipeline itself. What the job's inputs are is not in it:
/// they are results that other jobs publish, and the worker finds them by their keys.
struct SubmissionOrder: Sendable {
  var submission: String
  var node: String
  /// What the node's plan key was, to see that nothing has changed since.
  var planKey: Digest
  var store: String
  var project: String
  /// What the bytes of results hang on where the pipeline was handed over.
  var machine: String
  /// The caches to take from and to put into, as ``CacheChoice/json`` has them.
  var caches: JSON
  var cores: Int
  /// When the pipeline was handed over, in nanoseconds since 1970.
  var since: Int64
  /// A folder for the logs of nodes.
  var logs: String
  /// Seconds that results of other jobs are waited for; file systems of clusters show things late.
  var wait: Double
  /// Where jobs are not started in order: seconds since the pipeline was handed over until nobody waits any more.
  ///
  /// A job whose inputs are not there gives its place back meanwhile.
  var lifetime: Double?
  /// A folder where jobs that wait for others see that these failed.
  var failures: String?

  /// The pipeline's name beside the orders.
  static let pipelineName = "pipeline.yaml"

  var json: JSON {
    [
      "submission": JSON(submission), "node": JSON(node), "plan_key": JSON(planKey.hex), "store": JSON(store),
      "project": JSON(project), "machine": JSON(machine), "caches": caches, "cores": JSON(cores),
      "since": JSON(Int(since)), "logs": JSON(logs), "wait": JSON(wait), "lifetime": lifetime.map { JSON($0) } ?? .null,
      "failures": failures.map { JSON($0) } ?? .null,
    ]
  }

  /// - Throws: ``InvalidJob`` for what another version wrote.
  init(json: JSON) throws {
    func text(_ name: String) throws -> String {
      guard let text = json[name]?.string else { throw InvalidJob(reason: "there is no `\(name)` in it") }
      return text
    }
    guard let planKey = json["plan_key"]?.string.flatMap(Digest.init(hex:)), let cores = json["cores"]?.int,
      let since = json["since"]?.int, let wait = json["wait"]?.double, let caches = json["caches"]
    else { throw InvalidJob(reason: "a member is missing") }
    submission = try text("submission")
    node = try text("node")
    store = try text("store")
    project = try text("project")
    machine = try text("machine")
    logs = try text("logs")
    self.planKey = planKey
    self.cores = max(1, cores)
    self.since = Int64(since)
    self.wait = wait
    self.caches = caches
    lifetime = json["lifetime"]?.double
    failures = json["failures"]?.string
  }

  /// - Parameter site: Where the jobs run.
  init(_ job: Submission.Job, of submission: Submission, at site: SubmissionSite) {
    self.submission = submission.id
    node = job.node
    planKey = job.planKey
    store = site.store
    project = site.project
    machine = site.machine
    caches = site.caches
    cores = job.cores
    since = submission.since
    logs = site.logs
    wait = site.wait
    lifetime = site.lifetime
    failures = site.failures
  }
}

/// Where and how the jobs of a submission run.
package struct SubmissionSite: Sendable {
  /// The program's words, up to `worker`, as they are known over there.
  package var program: [String]
  package var store: String
  package var project: String
  package var machine: String
  package var caches: JSON
  package var logs: String
  package var wait = 60.0
  package var lifetime: Double?
  package var failures: String?

  package init(
    program: [String], store: String, project: String, machine: String, caches: JSON = .array([]), logs: String
  ) {
    self.program = program
    self.store = store
    self.project = project
    self.machine = machine
    self.caches = caches
    self.logs = logs
  }
}

/// A file of a submission, by its path in the submission's folder.
package struct SubmissionFile: Sendable {
  package var path: String
  package var text: String
  package var isProgram = false

  package init(_ path: String, _ text: String, isProgram: Bool = false) {
    self.path = path
    self.text = text
    self.isProgram = isProgram
  }
}

extension [SubmissionFile] {
  /// Writes the files into a folder that is made for them.
  package func write(to folder: String, _ files: FileSystem = FileSystem()) throws {
    for file in self {
      let place = "\(folder)/\(file.path)"
      try files.makeFolder(parentFolder(of: place))
      try files.create(place, [UInt8](file.text.utf8), mode: file.isProgram ? 0o777 : 0o666)
    }
  }
}

extension Submission {
  /// The pipeline and the orders, by their names in one folder.
  func orders(_ site: SubmissionSite) -> [(name: String, text: String)] {
    [(SubmissionOrder.pipelineName, text)]
      + jobs.map { ("\($0.name).json", SubmissionOrder($0, of: self, at: site).json.text(.pretty) + "\n") }
  }
}
