import Threads

/// How a program of somebody else's ended.
package enum ProgramEnding: Sendable, Hashable {
  case exited(Int32)
  case killed(signal: Int32)
  /// It did not start, by the system's error number.
  case refused(Int32)
  /// Its guard was killed, and it with it.
  case unguarded

  init(_ ending: SpawnedProcess.Ending) {
    switch ending {
    case .exited(let code): self = .exited(code)
    case .killed(let number): self = .killed(signal: number)
    }
  }

  /// How it ended, behind its name: `ended with exit code 3`.
  package var words: String {
    switch self {
    case .exited(let code): "ended with exit code \(code)"
    case .killed(let number): "was killed by signal \(WorkerCrash.name(number))"
    case .refused(let code): "did not start: \(SystemError("start", "", code: code).reason)"
    case .unguarded: "was killed together with its guard"
    }
  }
}

extension NodeContext {
  /// Seconds between two words about how far a program is.
  private static let interval = 0.5
  /// Letters of its last line that are shown as how far it is.
  private static let widest = 200
  /// How many of its last lines are kept for messages.
  private static let keptLines = 12

  /// Runs a program of somebody else's and returns when it and all that it started have ended.
  ///
  /// What it writes goes to the node's log, its last line is shown as how far it is. It has `grace` seconds to end when the
  /// node is asked to stop, and ends at once should this process go.
  /// - Returns: How it ended, and the last lines that it wrote.
  /// - Throws: ``Interrupted`` when the node was asked to stop, ``SystemError``.
  package func run(_ program: OutsideProgram, grace: Double) throws -> (ending: ProgramEnding, lastLines: [String]) {
    var lastLines: [String] = []
    var told = (words: "", time: 0.0)
    let ending = try GuardedProgram(program, helper: helper).follow(
      grace: grace, isUnwanted: { isCancelled },
      lines: { lines, latest in
        for line in lines { log(line) }
        lastLines = (lastLines + lines.filter { !$0.isEmpty }).suffix(Self.keptLines)
        let now = steadyClock()
        guard now - told.time >= Self.interval, !latest.isEmpty, latest != told.words else { return }
        told = (latest, now)
        progress(ProgressUpdate(words: String(String.UnicodeScalarView(latest.unicodeScalars.prefix(Self.widest)))))
      })
    try checkCancellation()
    switch ending {
    case .ended(let ending, let left):
      if left > 0 { log("\(left) processes that it had left running were ended") }
      return (ProgramEnding(ending), lastLines)
    case .refused(let code): return (.refused(code), lastLines)
    case .unguarded: return (.unguarded, lastLines)
    }
  }
}
