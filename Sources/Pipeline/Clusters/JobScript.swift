/// The shell around a worker: what a job of a cluster is.
///
/// Signals come to the shell alone, which tells the worker once: a second time would end it without saving.
enum JobScript {
  /// How often a job goes on after its time limit.
  private static let restarts = 100

  /// For Slurm: has the worker save before the time limit, and the job start again after that.
  ///
  /// - Parameter options: Lines of `#SBATCH`, for whoever submits the script by hand.
  static func slurm(node: String, worker: [String], options: [String] = []) -> String {
    """
    #!/bin/sh
    \(options.map { "#SBATCH " + directive($0) + "\n" }.joined())# Node \(oneLine(node)) of an Anneal pipeline.
    again=
    \(worker.map(quoted).joined(separator: " ")) &
    worker=$!
    trap 'again=1; kill -TERM "$worker"' USR1
    trap 'kill -TERM "$worker"' USR2
    trap : TERM INT
    while :; do
      wait "$worker"
      code=$?
      kill -0 "$worker" 2>/dev/null || break
    done
    if [ -n "$again" ] && [ "$code" -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt \(restarts) ]; then
      exec scontrol requeue "$SLURM_JOB_ID"
    fi
    exit "$code"

    """
  }

  /// For schedulers that know neither time limits nor signals to save at: a file in the job's folder is the wish to stop.
  static func watched(_ job: ClusterJob) -> String {
    let limit = job.demand.isLimit ? job.demand.seconds.map { String(Int(max(1, $0.rounded(.up)))) } : nil
    return """
      #!/bin/sh
      # Node \(oneLine(job.node)) of an Anneal pipeline.
      cd \(quoted(job.project)) || exit 2
      exec >> \(quoted(job.log)) 2>&1
      \(job.worker.map(quoted).joined(separator: " ")) &
      worker=$!
      trap : TERM INT
      (
        passed=0
        while sleep 1; do
          passed=$((passed + 1))
          if [ -e \(quoted(job.folder.wish)) ]; then kill -TERM "$worker"; exit; fi
          if [ "$passed" -ge "\(limit ?? "")" ] 2>/dev/null; then
            : > \(quoted(job.folder.late))
            kill -TERM "$worker"
            sleep 10
            kill -KILL "$worker"
            exit
          fi
        done
      ) &
      watch=$!
      while :; do
        wait "$worker"
        code=$?
        kill -0 "$worker" 2>/dev/null || break
      done
      kill "$watch" 2>/dev/null
      [ ! -e \(quoted(job.folder.late)) ] || code=\(lateCode)
      exit "$code"

      """
  }

  /// The exit code of a job whose time was over, as `timeout` has it.
  static let lateCode = 124

  /// A word of a shell command.
  static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: #"'\''"#) + "'" }

  /// An option behind `#SBATCH`, where a space or a `#` would end it.
  private static func directive(_ option: String) -> String {
    let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].utf8.allSatisfy(isPlain) else { return oneLine(option) }
    let value = parts[1].replacing("\\", with: #"\\"#).replacing("\"", with: #"\""#)
    return "\(parts[0])=\"\(oneLine(value))\""
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-_./:@%+=,".utf8.contains(byte)
    }
  }

  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }
}
