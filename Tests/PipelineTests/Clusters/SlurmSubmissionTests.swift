import Foundation
import Pipeline
import PreciseJSON
import TestKit
import Testing

/// Whole pipelines that are handed to a Slurm whose programs are fakes.
@Suite(.enabled(if: toyEngine() != nil, "the program `ToyEngine` was not built"), .serialized)
struct SlurmSubmissionTests {
  private let slurm: FakeSlurm
  private let program: String
  private var workspace: ToyWorkspace { slurm.workspace }

  init() throws {
    program = try #require(toyEngine())
    slurm = try FakeSlurm(program)
  }

  /// Writes a pipeline's jobs into a folder of its own.
  private func written(_ text: String, wait: Double = 1) throws -> (folder: String, submission: Submission) {
    let pipeline = try workspace.pipeline(text)
    let submission = Submission(pipeline, try Planner(store: workspace.store).plan(pipeline), cores: 2)
    let folder = workspace.folder.path("submission \(submission.id.suffix(6))")
    var site = SubmissionSite(
      program: [program], store: workspace.store.path, project: workspace.folder.path, machine: "",
      logs: folder + "/logs")
    site.wait = wait
    try FileSystem().makeFolder(site.logs)
    try SlurmSubmission(submission, at: site, folder: folder, options: ["--partition=short"]).files.write(to: folder)
    return (folder, submission)
  }

  /// Runs `submit.sh`, several times one after the other while what the first time submitted still runs.
  private func handOver(_ folder: String, times: Int = 1) throws -> Int32 {
    let process = Process()
    // Foundation waits until what it started in the background has ended too.
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", Array(repeating: "\"$0\"", count: times).joined(separator: " && "), folder + "/submit.sh",
    ]
    process.environment = slurm.environment.merging(["ANNEAL_SUBMIT_PAUSE": "0.05"]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// The states of the jobs by their nodes, once all have ended; a minute is all they have.
  private func ended(_ submission: Submission) throws -> [String: String] {
    let end = Date(timeIntervalSinceNow: 60)
    var states = slurm.states
    while states.values.contains(where: { ["PENDING", "RUNNING"].contains($0) }), Date() < end {
      Thread.sleep(forTimeInterval: 0.05)
      states = slurm.states
    }
    let jobs = submission.manifest(executor: "slurm")["jobs"]?.array ?? []
    return Dictionary(
      jobs.map { ($0["node"]?.string ?? "", states[$0["job"]?.string ?? ""] ?? "nowhere") }, uniquingKeysWith: { $1 })
  }

  private func logs(_ folder: String) -> String {
    let names = (try? FileSystem().names(in: folder + "/logs")) ?? []
    return names.map { (try? String(contentsOfFile: "\(folder)/logs/\($0)", encoding: .utf8)) ?? "" }.joined()
  }

  @Test func aPipelineIsDoneWithoutAnybodyBeingThere() throws {
    let (folder, submission) = try written(SubmissionTests.diamond)
    #expect(try handOver(folder) == 0)
    let states = try ended(submission)
    #expect(states.count == 4 && states.values.allSatisfy { $0 == "COMPLETED" }, "\(states) \(logs(folder))")
    let order = try workspace.executed()
    #expect(order.sorted() == ["a", "end", "head", "left", "right"], "\(order)")
    #expect(try workspace.text(workspace.run(SubmissionTests.diamond), "end") == "QU 1 32 QUIET")
    #expect(try workspace.executed().isEmpty)
    // What a surrounding job says of itself stays out of it.
    #expect(slurm.noted("sbatch.environment") == "SLURM_CONF=/conf\n")
    let words = slurm.noted("jobs/1/options")
    for word in ["--kill-on-invalid-dep=yes", "--partition=short", "--requeue", "--cpus-per-task=2"] {
      #expect(words.contains(word + "\n"), "\(words)")
    }
  }

  @Test func whatFailsTakesAlongWhatIsBehindItAndNothingElse() throws {
    let text = """
      pipeline: failing
      nodes:
        a: {type: toy_text, text: quiet}
        bad: {type: toy_heavy, of: a, exit_code: 0}
        behind: {type: toy_heavy, of: bad, count_in: COUNT}
        fine: {type: toy_slow, steps: 2, pause: 0.01}
      """
    let (folder, submission) = try written(text)
    #expect(try handOver(folder) == 0)
    #expect(try ended(submission) == ["bad": "FAILED", "behind": "CANCELLED", "fine": "COMPLETED"])
    #expect(try workspace.executed().isEmpty)
    #expect(logs(folder).contains("The worker of node `bad` ended with exit code 0 and no result"))
  }

  @Test func onceMoreSubmitsNothingThatWaits() throws {
    let (folder, submission) = try written(
      "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 80, pause: 0.05}\n  end: {type: toy_heavy, of: slow}\n")
    #expect(try handOver(folder, times: 2) == 0)
    #expect(try ended(submission) == ["slow": "COMPLETED", "end": "COMPLETED"])
    #expect(slurm.noted("sbatch.words").split(separator: "\n").count == 2)
  }

  @Test func anAnswerThatIsLostSubmitsNothingTwice() throws {
    try slurm.hook("after-sbatch", "[ -e $F/lost ] || { : > $F/lost; echo 'Socket timed out' >&2; exit 1; }")
    let (folder, submission) = try written(
      "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 80, pause: 0.05}\n  end: {type: toy_heavy, of: slow}\n")
    #expect(try handOver(folder) == 0)
    #expect(try ended(submission) == ["slow": "COMPLETED", "end": "COMPLETED"])
    #expect(slurm.noted("sbatch.words").split(separator: "\n").count == 2)
  }

  @Test func whatSlurmDoesNotTakeIsSaid() throws {
    try slurm.hook("before-sbatch", "echo 'sbatch: error: invalid partition' >&2; exit 1")
    let (folder, _) = try written(SubmissionTests.diamond)
    #expect(try handOver(folder) == 1)
    #expect(slurm.noted("sbatch.words").split(separator: "\n").count == 3)
  }

  @Test func aJobThatIsCutShortSavesAndGoesOn() throws {
    try slurm.hook("beside-job", "[ $r -gt 0 ] || (sleep 0.5; kill -USR1 $pid) &")
    let (folder, submission) = try written(
      "pipeline: p\nnodes:\n  slow: {type: toy_slow, steps: 20, pause: 0.05, count_in: COUNT}\n")
    #expect(try handOver(folder) == 0)
    #expect(try ended(submission) == ["slow": "COMPLETED"], "\(logs(folder))")
    #expect(try workspace.executed().count == 20)
  }

  @Test func aFileThatChangedMeanwhileIsNoticed() throws {
    try workspace.folder.write("one\n", to: "input.txt")
    let (folder, submission) = try written(
      "pipeline: p\nnodes:\n  lines: {type: toy_file, from: DIR/input.txt}\n  end: {type: toy_heavy, of: lines}\n")
    try workspace.folder.write("another one\n", to: "input.txt")
    #expect(try handOver(folder) == 0)
    #expect(try ended(submission) == ["end": "FAILED"])
    #expect(logs(folder).contains("Node `end` is not what was submitted"))
  }

  @Test func aResultThatIsNotThereIsWaitedForAndThenMissed() throws {
    let (folder, submission) = try written(SubmissionTests.diamond, wait: 0.3)
    let job = try #require(submission.jobs.first { $0.node == "right" })
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["worker", "--order", "\(folder)/orders/\(job.name).json"]
    let output = Pipe()
    process.standardError = output
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(words.contains("Node `right` cannot begin: there are no results of [left"), "\(words)")
  }

  @Test func strangeNamesStandInScripts() throws {
    let pipeline = try workspace.pipeline("pipeline: p\nnodes: {x: {type: toy_slow, steps: 1}}\n")
    let submission = Submission(pipeline, try Planner(store: workspace.store).plan(pipeline), cores: 1)
    let folder = workspace.folder.path("a # 'strange' \"folder\" 100%")
    let site = SubmissionSite(
      program: [program], store: workspace.store.path, project: folder, machine: "", logs: folder + "/logs")
    try FileSystem().makeFolder(site.logs)
    let files = SlurmSubmission(submission, at: site, folder: folder).files
    let script = try #require(files.first { $0.path == "jobs/01-x.sh" }?.text)
    #expect(script.contains(#"--chdir="\#(workspace.folder.path)/a # 'strange' \"folder\" 100%""#), "\(script)")
    #expect(script.contains(#"100%%/logs/01-x.log""#))
    try files.write(to: folder)
    let process = Process()
    // The threads of tests block all signals, which the shell of scripts inherits and this one does not.
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "\"$0\"", folder + "/jobs/01-x.sh"]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
