import ArgumentParser
import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import PreciseJSON

/// `anneal submit`: hands a whole pipeline over to a cluster, which needs nobody here after that.
struct SubmitCommand: ParsableCommand {
  /// The clusters that take jobs with an order among them.
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case slurm
    case kubernetes
  }

  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Writes what is to be done as jobs of a cluster, each behind those whose results it takes.")

  @OptionGroup var pipeline: PipelineArguments
  @OptionGroup var workplace: Workplace
  @OptionGroup var caches: CacheArguments

  @Argument(help: "Nodes to make; all outputs when none is named. Behind LLaMA-Factory's files also key=value.")
  var targets: [String] = []

  @Option(name: .customLong("executor"), help: "The cluster: `slurm` or `kubernetes`.")
  var kind: Kind

  @Option(help: "The folder to write; `.anneal/submissions/ID` unless given.")
  var output: String?

  @Option(
    name: .customLong("executor-option"), parsing: .singleValue,
    help: ArgumentHelp(
      "For Slurm: an option for `sbatch`, such as `--executor-option=--partition=short`; may be repeated.",
      valueName: "option"))
  var options: [String] = []

  @OptionGroup var kubernetes: KubernetesArguments

  @Option(help: "Cores for nodes that use many.")
  var cores: Int?

  @Option(help: "For Kubernetes: days after which nobody waits for results of others any more.")
  var patience = 7.0

  @Flag(help: "Hand the jobs over at once, as `submit.sh` in the folder does.")
  var start = false

  @Flag(help: "Print the manifest as JSON.")
  var json = false

  func validate() throws {
    if let cores, cores < 1 { throw ValidationError("`--cores` must be at least 1.") }
    guard patience > 0, patience <= 365 else { throw ValidationError("`--patience` must be from 0 to 365 days.") }
    switch kind {
    case .slurm:
      if kubernetes.isGiven {
        throw ValidationError("`--image` and what goes with it are for `--executor kubernetes`.")
      }
    case .kubernetes:
      if kubernetes.image == nil { throw ValidationError("Name the image that pods run: `--image IMAGE`.") }
      if !options.isEmpty { throw ValidationError("`--executor-option` is for `--executor slurm`.") }
    }
  }

  func run() throws {
    var written: (folder: String, submission: Submission)?
    try reportingProblems { written = try write() }
    guard let (folder, submission) = written else { return }
    if json { Terminal.put(submission.manifest(executor: kind.rawValue).text(.pretty)) }
    guard !submission.jobs.isEmpty else {
      if !json { Terminal.say("Nothing is to be done: all results are there.") }
      return
    }
    if !json { Terminal.put(Self.words(submission)) }
    let script = "\(folder)/submit.sh"
    guard start else {
      let shown =
        script.hasPrefix(workplace.project + "/") ? String(script.dropFirst(workplace.project.count + 1)) : script
      return Terminal.say("Next: \(shellWord(shown))")
    }
    try reportingProblems(code: 1) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = [script]
      // Results are the jobs; what the cluster's programs say of them is none.
      process.standardOutput = FileHandle.standardError
      do { try process.run() } catch { throw SystemError("start", script) }
      process.waitUntilExit()
      guard process.terminationStatus == 0 else { throw SubmissionError.notHandedOver(program: script) }
    }
  }

  /// Writes the folder; nothing where nothing is to be done.
  private func write() throws -> (folder: String, submission: Submission) {
    let (resolved, targets) = try pipeline.load(workplace, words: targets)
    let (choice, remotes) = try caches.choice(resolved, workplace)
    let store = workplace.openedStore
    // What lies in a store that pods do not see is nothing to them.
    let isShared = kind == .slurm || kubernetes.holds(store.path)
    guard isShared || choice.takesByHTTP else { throw SubmissionError.nothingShared(store: store.path) }
    let seen = isShared ? store : Store(path: KubernetesSubmission.scratch + "/store")
    let history = workplace.history
    let plan = try Planner(store: seen, remotes: remotes).plan(resolved, targets: targets) {
      history.expectations(pipeline: $0, nodes: $1)
    }
    remotes.reportTroubles()
    let submission = Submission(resolved, plan, cores: cores ?? RunOptions.machineCores)
    let folder = try place(submission)
    guard !submission.jobs.isEmpty else { return (folder, submission) }
    let files: [SubmissionFile]
    switch kind {
    case .slurm:
      let site = SubmissionSite(
        program: [try thisProgram], store: store.path, project: workplace.project, machine: try MachineFacts.arithmetic,
        caches: choice.json, logs: "\(folder)/logs")
      files = SlurmSubmission(submission, at: site, folder: folder, options: options).files
      try store.files.makeFolder(site.logs)
    case .kubernetes:
      var site = SubmissionSite(
        program: [kubernetes.program], store: seen.path, project: workplace.project,
        machine: try MachineFacts.arithmetic, caches: choice.json, logs: KubernetesSubmission.scratch + "/logs")
      site.wait = 120
      site.lifetime = patience * 86400
      if kubernetes.holds(workplace.project) {
        site.failures = "\(workplace.project)/.anneal/submissions/\(submission.id)/failed"
      }
      files = try KubernetesSubmission(submission, at: site, kubernetes.settings(image: kubernetes.image ?? "")).files()
    }
    try files.write(to: folder)
    return (folder, submission)
  }

  /// The folder, which must not hold anything yet.
  private func place(_ submission: Submission) throws -> String {
    guard let output else { return "\(workplace.project)/.anneal/submissions/\(submission.id)" }
    let whole = output.hasPrefix("/") ? output : "\(workplace.project)/\(output)"
    let folder = URL(fileURLWithPath: whole).standardizedFileURL.path
    if let names = try folderNames(folder), !names.isEmpty {
      throw Diagnostic(
        code: "folder-in-use", "The folder `\(output)` is no place for jobs", reason: "something lies in it already",
        advice: "name a new one")
    }
    return folder
  }

  private static func words(_ submission: Submission) -> String {
    let rows = submission.jobs.map { job -> [String] in
      var needs = ["\(job.cores) \(job.cores == 1 ? "core" : "cores")"]
      if let memory = job.demand.memory { needs.append(byteCount(memory)) }
      if let seconds = job.demand.seconds { needs.append(duration(seconds)) }
      let row = [job.name, needs.joined(separator: ", ")]
      guard !job.waitsFor.isEmpty else { return row }
      let doubt = job.isCertain ? "" : ", unless they come out as before"
      return row + ["behind [\(job.waitsFor.joined(separator: ", "))]\(doubt)"]
    }
    return table([["job", "asks for", "starts"]] + rows)
  }
}

extension CacheChoice {
  /// Whether a cache by HTTP takes results.
  fileprivate var takesByHTTP: Bool { caches.contains { $0.settings.url != nil && $0.settings.isWritable } }
}
