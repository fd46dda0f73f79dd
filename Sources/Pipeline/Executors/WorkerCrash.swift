import Diagnostics
import Glibc

/// A worker process that ended without saying why.
struct WorkerCrash: DiagnosticError {
  var node: String
  var ending: ChildProcess.Ending
  /// Path of the node's log.
  var log: String
  /// The last lines of it.
  var lines: [String]

  var diagnostics: [Diagnostic] {
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

  static func name(_ number: Int32) -> String {
    let names: [Int32: String] = [
      SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGHUP: "SIGHUP", SIGILL: "SIGILL", SIGINT: "SIGINT",
      SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGTERM: "SIGTERM", SIGTRAP: "SIGTRAP", SIGXCPU: "SIGXCPU",
      SIGXFSZ: "SIGXFSZ",
    ]
    return names[number] ?? String(number)
  }

  /// The last ten lines of a log.
  static func lastLines(of path: String) -> [String] {
    let bytes = (try? FileSystem().read(path)) ?? nil
    return (bytes ?? []).suffix(8192).split(separator: UInt8(ascii: "\n")).suffix(10)
      .map { "  " + String(decoding: $0, as: UTF8.self) }
  }
}
