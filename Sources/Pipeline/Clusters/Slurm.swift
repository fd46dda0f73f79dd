import Foundation
import Glibc
import Threads

/// Slurm, through its programs.
package struct Slurm: Cluster {
  package let name = "Slurm"
  /// Further options for `sbatch`, which win over those made here.
  private let options: [String]
  private let environment: [String: String]
  /// Seconds between two tries to submit.
  private let breath: Double

  /// Seconds that a program of Slurm's may take to answer.
  private static let patience = 90.0
  /// How often a submission is tried whose answer did not come.
  private static let tries = 3
  /// Seconds before the time limit at which the worker is told to save.
  private static let warning = 180.0

  /// - Parameter environment: As the programs see it, but for what a surrounding job says of itself.
  package init(
    options: [String] = [], environment: [String: String] = ProcessInfo.processInfo.environment, breath: Double = 5
  ) {
    self.options = options
    self.environment = Self.scrubbed(environment)
    self.breath = breath
  }

  /// Without the variables that describe the job in which this process may run itself: `sbatch` would take them for
  /// wishes.
  static func scrubbed(_ environment: [String: String]) -> [String: String] {
    environment.filter { !$0.key.hasPrefix("SLURM_") || ["SLURM_CONF", "SLURM_JWT"].contains($0.key) }
  }

  package func check() throws(ClusterError) {
    for program in ["sbatch", "squeue", "scancel"] { _ = try file(program) }
  }

  private func file(_ program: String) throws(ClusterError) -> String {
    guard let file = programFile(program, in: "/", along: environment["PATH"] ?? "") else {
      throw .missing(program: program, cluster: name)
    }
    return file
  }

  private func run(_ words: [String]) throws(ClusterError) -> CapturedProgram {
    let program = words.first ?? ""
    let file = try file(program)
    do {
      return try CapturedProgram(
        [file] + words.dropFirst(), environment: .exactly(environment), patience: Self.patience)
    } catch {
      let reason =
        switch error {
        case .late: "Socket timed out: no answer within \(duration(Self.patience))"
        case .long: "it wrote too much"
        case .system(let error): error.words
        }
      throw .failed(program: program, cluster: name, words: reason)
    }
  }

  private func answer(_ words: [String]) throws(ClusterError) -> String {
    let program = try run(words)
    guard program.ending == .exited(0) else {
      throw .failed(program: words.first ?? "", cluster: name, words: program.errors)
    }
    return program.output
  }

  // MARK: Submitting

  package func submit(_ job: ClusterJob) throws(ClusterError) -> String {
    do {
      try FileSystem().create(job.folder.script, Array(JobScript.slurm(node: job.node, worker: job.worker).utf8))
    } catch {
      throw .refused(node: job.node, cluster: name, words: "cannot write `\(job.folder.script)`")
    }
    var refusal = ""
    for attempt in 0..<Self.tries {
      if attempt > 0 {
        pause(breath)
        // Slurm may have taken it, and only its answer is lost.
        if let id = try? find(job.name) { return id }
      }
      do {
        let program = try run(["sbatch", "--parsable"] + Self.options(job) + options + [job.folder.script])
        if program.ending == .exited(0), let id = Self.identifier(program.output) { return id }
        refusal = program.errors.isEmpty ? program.output : program.errors
      } catch {
        guard case .failed(_, _, let words) = error else { throw error }
        refusal = words
      }
      guard Self.isPassing(refusal) else { break }
    }
    throw .refused(node: job.node, cluster: name, words: refusal)
  }

  /// `123`, or `123;cluster`.
  static func identifier(_ output: String) -> String? {
    let last = output.split(separator: "\n").last.map(String.init) ?? ""
    let id = last.split(separator: ";").first.map(String.init) ?? ""
    return !id.isEmpty && id.utf8.allSatisfy { (0x30...0x39).contains($0) } ? id : nil
  }

  private static func isPassing(_ words: String) -> Bool {
    ["timed out", "Unable to contact", "temporarily", "try again", "Connection refused"].contains { words.contains($0) }
  }

  /// What a job asks for and how it is treated, as options of `sbatch`.
  static func options(_ job: ClusterJob) -> [String] {
    var words = [
      "--job-name=\(job.name)", "--comment=anneal \(job.node)",
      "--output=\(job.log.replacingOccurrences(of: "%", with: "%%"))", "--open-mode=append", "--requeue",
      "--export=ALL", "--chdir=\(job.project)", "--nodes=1", "--ntasks=1", "--cpus-per-task=\(job.cores)",
    ]
    if let memory = job.demand.memory { words.append("--mem=\((max(memory, 1) - 1) >> 20 + 1)M") }
    var warning = Self.warning
    if let seconds = job.demand.seconds {
      let minutes = max(1, (seconds / 60).rounded(.up))
      words.append("--time=\(Int(min(minutes, 525_600)))")
      warning = min(warning, minutes * 20)
    }
    // Past the user's own limit there is no going on.
    if !job.demand.isLimit { words.append("--signal=B:USR1@\(Int(warning))") }
    return words
  }

  // MARK: Asking

  package func find(_ name: String) throws(ClusterError) -> String? {
    let lines = try queue(["--name=\(name)"])
    return lines.first { [.waiting, .running].contains($0.state) }?.id
  }

  package func ask(_ jobs: [String]) throws(ClusterError) -> [String: JobState] {
    let wanted = Set(jobs)
    let found = try queue([]).filter { wanted.contains($0.id) }
    return Dictionary(found.map { ($0.id, $0.state) }) { first, _ in first }
  }

  /// Not by partition, which sites change, nor by the user's name, which may have any characters.
  private func queue(_ filter: [String]) throws(ClusterError) -> [(id: String, state: JobState)] {
    let text = try answer(["squeue", "--noheader", "--states=all", "--user=\(getuid())", "--format=%i|%T"] + filter)
    return text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "|", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      return parts.count == 2 ? (parts[0], Self.state(parts[1])) : nil
    }
  }

  /// What a state of Slurm's means; `CANCELLED by 1000` and `CANCELLED+` are both CANCELLED.
  package static func state(_ text: String) -> JobState {
    let word = text.components(separatedBy: " by ")[0].trimmingCharacters(in: CharacterSet(charactersIn: "+ "))
    switch word {
    case "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT",
      "RESIZING":
      return .waiting
    // One that is completing has not ended: its last words may come yet.
    case "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT": return .running
    case "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE",
      "PREEMPTED", "REVOKED", "LAUNCH_FAILED":
      return .over(word)
    default: return .unclear(word)
    }
  }

  package func stop(_ jobs: [String], gently: Bool) throws(ClusterError) {
    let program = try run(["scancel"] + (gently ? ["--batch", "--signal=USR2"] : []) + jobs)
    // One that has ended meanwhile is an error of scancel's, and none of anybody else's.
    guard program.ending != .exited(0), Self.isPassing(program.errors) else { return }
    throw .failed(program: "scancel", cluster: name, words: program.errors)
  }

  // MARK: Explaining

  /// Works without accounting too, which many small sites do not have, and which comes late where they do.
  package func explain(_ job: String) -> String? {
    let fields = ["State", "ExitCode", "Elapsed", "NodeList"]
    let questions = [
      ["sacct", "-X", "--noheader", "--parsable2", "--format=\(fields.joined(separator: ","))", "--jobs=\(job)"],
      ["scontrol", "--oneliner", "show", "job", job],
    ]
    if let line = try? answer(questions[0]).split(separator: "\n").last {
      let values = line.split(separator: "|", omittingEmptySubsequences: false)
      return zip(fields, values).filter { !$1.isEmpty }.map { "\($0) \($1)" }.joined(separator: ", ")
    }
    let text = (try? answer(questions[1])) ?? ""
    let wanted = ["JobState=", "Reason=", "ExitCode=", "NodeList=", "Restarts="]
    let words = text.split(separator: " ").filter { word in wanted.contains { word.hasPrefix($0) } }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }
}
