import Diagnostics

/// What goes wrong between a run and a cluster.
package enum ClusterError: Error, Sendable, Hashable {
  /// A program of the cluster's is not here.
  case missing(program: String, cluster: String)
  /// A program of the cluster's failed, with what it wrote.
  case failed(program: String, cluster: String, words: String)
  /// Where a cluster is said to be is no address.
  case badAddress(String, cluster: String)
  /// A job was not taken.
  case refused(node: String, cluster: String, words: String)
  /// A job is over and there is no result of it, with the scheduler's explanation.
  case noResult(node: String, cluster: String, job: String, state: String, explanation: String?, log: String)
}

extension ClusterError: DiagnosticError {
  package var diagnostics: [Diagnostic] { [diagnostic] }

  private var diagnostic: Diagnostic {
    switch self {
    case .missing(let program, let cluster):
      Diagnostic(
        code: "no-cluster", "Cannot use \(cluster) from here: there is no program `\(program)`",
        reason: "it was looked for along `PATH`", advice: "start on a machine that submits jobs, or load its module")
    case .badAddress(let text, let cluster):
      Diagnostic(
        code: "no-cluster", "Cannot use \(cluster): `\(text)` is no address",
        advice: "name its dashboard: `--executor-option=http://HOST:8265`")
    case .failed(let program, let cluster, let words):
      Diagnostic(
        code: "cluster-silent", "\(cluster) gives no answer: `\(program)` failed", reason: Self.quoted(words),
        advice: "jobs that run go on; run the same command again to go on with them")
    case .refused(let node, let cluster, let words):
      Diagnostic(
        code: "job-refused", "\(cluster) does not take the job of node `\(node)`", reason: Self.quoted(words),
        advice:
          "see what it asks for; `--executor-option` goes on to `sbatch`, such as `--executor-option=--partition=short`"
      )
    case .noResult(let node, let cluster, let job, let state, let explanation, let log):
      Diagnostic(
        code: "job-without-result", "Job \(job) of node `\(node)` \(Self.ending(state)) and left no result",
        reason: explanation.map { "\(cluster) says: \($0)" } ?? "\(cluster) does not say why",
        advice: Self.advice(state + (explanation ?? ""), log))
    }
  }

  private static func quoted(_ words: String) -> String { words.isEmpty ? "it wrote nothing" : "it said: \(words)" }

  private static func ending(_ state: String) -> String {
    state.isEmpty ? "is not known any more" : "ended as \(state)"
  }

  private static func advice(_ words: String, _ log: String) -> String {
    if words.contains("OUT_OF_MEMORY") { return "give the node more `memory`; see `\(log)`" }
    if words.contains("START_TIMEOUT") {
      return "there was no room for it in time: take fewer `--jobs` or `--cores`, or raise "
        + "`RAY_JOB_START_TIMEOUT_SECONDS` where Ray is started"
    }
    if words.contains("TIMEOUT") || words.contains("DEADLINE") {
      return "give the node a longer `timeout`; see `\(log)`"
    }
    return "see `\(log)`; `retries` has such nodes tried again"
  }
}
