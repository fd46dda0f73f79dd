import Diagnostics
import Glibc
import Threads

/// A worker process that ended without saying why.
struct WorkerCrash: DiagnosticError {
  var node: String
  var ending: SpawnedProcess.Ending
  /// Path of the node's log.
  var log: String
  /// How long the log was before.
  var start: Int

  var diagnostics: [Diagnostic] {
    let text = Self.end(of: log, from: start)
    if ending != .killed(signal: SIGKILL), let words = Self.lastWords(in: text) {
      return [
        Diagnostic(
          code: "worker-stopped", words, reason: "the worker of node `\(node)` could not go on",
          advice: "see `\(log)`")
      ]
    }
    let lines = text.suffix(10).map { "  " + $0 }
    let reason =
      lines.isEmpty ? "it wrote nothing to its log" : "its last lines were:\n" + lines.joined(separator: "\n")
    switch ending {
    case .exited(let code):
      return [
        Diagnostic(
          code: "worker-crash", "The worker of node `\(node)` ended with exit code \(code) and no result",
          reason: reason, advice: "see `\(log)`")
      ]
    case .killed(let number):
      let memory = number == SIGKILL ? "; probably the machine ran out of memory" : ""
      return [
        Diagnostic(
          code: "worker-killed", "The worker of node `\(node)` was killed by signal \(Self.name(number))\(memory)",
          reason: reason, advice: number == SIGKILL ? "see `\(log)` and the kernel's log (`dmesg`)" : "see `\(log)`")
      ]
    }
  }

  /// What the worker said itself with ``stop(_:)``; a backtrace may stand behind it.
  private static func lastWords(in lines: [String]) -> String? {
    let mark = "error: "
    return lines.last { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
  }

  static func name(_ number: Int32) -> String {
    let names: [Int32: String] = [
      SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGHUP: "SIGHUP", SIGILL: "SIGILL", SIGINT: "SIGINT",
      SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGTERM: "SIGTERM", SIGTRAP: "SIGTRAP", SIGXCPU: "SIGXCPU",
      SIGXFSZ: "SIGXFSZ",
    ]
    return names[number] ?? String(number)
  }

  /// The last lines of what was added to a log; none of a log that cannot be read.
  private static func end(of path: String, from start: Int) -> [String] {
    let bytes = (try? FileSystem().read(path)) ?? nil
    return (bytes ?? []).dropFirst(start).suffix(1 << 16).split(separator: UInt8(ascii: "\n"))
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
