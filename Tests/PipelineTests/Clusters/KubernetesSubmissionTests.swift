import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Whole pipelines as Jobs of Kubernetes: held against its schemas, and their pods played on this machine.
///
/// The schema is of `scripts/reference/kubernetes_schemas.py`. No cluster has seen them.
@Suite(.serialized) struct KubernetesSubmissionTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  private static let schemas = Result {
    try JSON(parsing: FileSystem().read(fixture("Clusters/kubernetes-1.33.json")) ?? [], file: "schemas")
  }

  private static func validator(_ kind: String) throws -> SchemaValidator {
    let schemas = try schemas.get()
    var members = try #require(schemas["kinds"]?[kind]?.object?.members)
    members.append(("$defs", try #require(schemas["$defs"])))
    return SchemaValidator(JSON(members))
  }

  @Test func ourValidatorSaysWhatTheirsSays() throws {
    let rows = try JSON(
      parsing: FileSystem().read(fixture("Clusters/kubernetes-verdicts.json")) ?? [], file: "verdicts")
    let validator = try Self.validator("Job")
    #expect(rows.array?.count ?? 0 > 30)
    for row in rows.array ?? [] {
      let job = try #require(row["job"])
      // What kind of thing it is they ask by the schema that they look up.
      #expect(try validator.passes(job) == row["passes"]?.bool, "\(job.text())")
    }
  }

  private func site(_ store: String? = nil, _ caches: JSON = .array([])) -> SubmissionSite {
    var site = SubmissionSite(
      program: [toyEngine() ?? "anneal"], store: store ?? workspace.store.path, project: workspace.folder.path,
      machine: "", caches: caches, logs: workspace.folder.path("logs"))
    (site.wait, site.lifetime) = (0.2, 600)
    site.failures = workspace.folder.path("failed")
    return site
  }

  private func submission(_ text: String) throws -> Submission {
    let pipeline = try workspace.pipeline(text)
    return Submission(pipeline, try Planner(store: workspace.store).plan(pipeline), cores: 4)
  }

  private var settings: KubernetesSubmission.Settings {
    var settings = KubernetesSubmission.Settings(image: "registry.example/anneal:1")
    settings.claims = [("shared", "/shared"), ("models", "/models")]
    settings.namespace = "training"
    settings.secret = "caches"
    settings.queue = "short"
    return settings
  }

  @Test func manifestsPassTheSchema() throws {
    let submission = try submission(SubmissionTests.diamond)
    let files = try KubernetesSubmission(submission, at: site(), settings).files()
    let manifests = try files.filter { $0.path.hasPrefix("jobs/") }.map { try JSON(parsing: $0.text) }
    #expect(manifests.count == submission.jobs.count + 1)
    for manifest in manifests {
      let kind = manifest["kind"]?.string ?? ""
      #expect(try Self.validator(kind).passes(manifest), "\(manifest.text(.pretty))")
      let name = manifest["metadata"]?["name"]?.string ?? ""
      #expect(name.count < 64 && name.wholeMatch(of: /[a-z0-9]([-a-z0-9]*[a-z0-9])?/) != nil, "\(name)")
    }
    let plain = try KubernetesSubmission(submission, at: site(), .init(image: "i")).files()
    for file in plain where file.path.hasPrefix("jobs/0") {
      let manifest = try JSON(parsing: file.text)
      #expect(try Self.validator(manifest["kind"]?.string ?? "").passes(manifest))
    }
  }

  @Test func aJobAsksForWhatItsNodeTakes() throws {
    let submission = try submission(SubmissionTests.diamond)
    let files = try KubernetesSubmission(submission, at: site(), settings).files()
    let name = try #require(submission.jobs.first { $0.node == "left" }?.name)
    let job = try JSON(parsing: #require(files.first { $0.path == "jobs/\(name).json" }).text)
    let pod = try #require(job["spec"]?["template"]?["spec"])
    let container = try #require(pod["containers"]?.array?.first)
    let amounts: JSON = ["cpu": "4", "memory": "100Mi"]
    #expect(container["resources"] == ["requests": amounts, "limits": amounts])
    #expect(container["command"]?.array?.suffix(3).map(\.string) == ["worker", "--order", "/etc/anneal/\(name).json"])
    #expect(pod["restartPolicy"] == "Never" && job["metadata"]?["namespace"] == "training")
    #expect(
      container["volumeMounts"]?.array?.map { $0["mountPath"]?.string } == [
        "/etc/anneal", "/var/anneal", "/shared", "/models",
      ])
    let rules = job["spec"]?["podFailurePolicy"]?["rules"]?.array ?? []
    #expect(rules.first?["action"] == "Ignore" && rules.first?["onExitCodes"]?["values"] == [75])
  }

  @Test func aPipelineThatNoConfigMapHoldsIsRefused() throws {
    let long = String(repeating: "x", count: 1_000_000)
    let submission = try submission("pipeline: p\nnodes:\n  text: {type: toy_text, text: \(long)}\n")
    #expect(throws: SubmissionError.self) { try KubernetesSubmission(submission, at: site(), settings).files() }
  }

  // MARK: Pods

  /// Plays a pod of a job: writes what its ConfigMap holds, and runs the worker.
  private func pod(_ submission: Submission, _ node: String, _ site: SubmissionSite) throws -> (
    code: Int32, words: String
  ) {
    let files = try KubernetesSubmission(submission, at: site, settings).files()
    let map = try JSON(parsing: #require(files.first).text)
    let folder = workspace.folder.path("etc-\(UUID().uuidString)")
    try (map["data"]?.object?.members ?? []).map { SubmissionFile($0.key, $0.value.string ?? "") }.write(to: folder)
    let job = try #require(submission.jobs.first { $0.node == node })
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(toyEngine()))
    process.arguments = ["worker", "--order", "\(folder)/\(job.name).json"]
    process.currentDirectoryURL = URL(fileURLWithPath: workspace.folder.path)
    let output = Pipe()
    process.standardError = output
    try process.run()
    let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, words)
  }

  @Test(.enabled(if: toyEngine() != nil)) func podsInAnyOrderComeToTheSame() throws {
    let submission = try submission(SubmissionTests.diamond)
    func codes(_ nodes: [String]) throws -> [Int32] { try nodes.map { try pod(submission, $0, site()).code } }
    #expect(try codes(["end", "right"]) == [75, 75])
    // Light ones are made by whoever comes first.
    #expect(try workspace.executed() == ["a"])
    #expect(try codes(["left", "end", "right", "end", "other", "end"]) == [0, 75, 0, 75, 0, 0])
    #expect(try workspace.executed() == ["left", "head", "right", "end"])
    #expect(try workspace.text(workspace.run(SubmissionTests.diamond), "end") == "QU 1 32 QUIET")
  }

  @Test(.enabled(if: toyEngine() != nil)) func nobodyWaitsForWhatFailed() throws {
    let submission = try submission(
      """
      pipeline: p
      nodes:
        a: {type: toy_text, text: quiet}
        bad: {type: toy_heavy, of: a, exit_code: 0}
        one: {type: toy_heavy, of: bad}
        two: {type: toy_heavy, of: one}
      """)
    #expect(try pod(submission, "two", site()).code == 75)
    #expect(try pod(submission, "bad", site()).code == 1)
    let (code, words) = try pod(submission, "two", site())
    #expect(code == 1 && words.contains("Node `two` is not run, since [bad] failed"), "\(words)")
    #expect(try pod(submission, "one", site()).code == 1)
  }

  @Test(.enabled(if: toyEngine() != nil)) func nobodyWaitsForEver() throws {
    let submission = try submission(SubmissionTests.diamond)
    var site = site()
    site.lifetime = 0
    let (code, words) = try pod(submission, "right", site)
    #expect(code == 1 && words.contains("there are no results of [left]"), "\(words)")
  }

  @Test(.enabled(if: toyEngine() != nil)) func aCacheIsEnoughForPodsWithoutASharedStore() throws {
    let submission = try submission(SubmissionTests.diamond)
    var settings = try CacheSettings(workspace.folder.path("cache"))
    settings.mode = .readWrite
    let caches = JSON.array([AnyFields(settings).json])
    for node in ["left", "right", "other", "end"] {
      let site = site(workspace.folder.path("store-of-\(node)"), caches)
      let (code, words) = try pod(submission, node, site)
      #expect(code == 0, "\(node): \(words)")
    }
    #expect(try workspace.executed() == ["a", "left", "head", "right", "end"])
  }
}
