import Diagnostics
import Foundation
import Glibc
import Pipeline
import Synchronization

/// Where output goes and what may be put there: results on standard output, messages on standard error, colours only on
/// a terminal that wants them.
enum Terminal {
  /// Whether a result could not be written to standard output, as on a full disk.
  static var hasLostOutput: Bool { loss.withLock { $0 } }
  private static let loss = Mutex(false)

  /// Whether a file descriptor is a terminal that takes colours; `NO_COLOR` (no-color.org) and a dumb terminal say no.
  static func takesColor(_ descriptor: Int32) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(descriptor) != 0 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// Writes lines to standard error.
  static func say(_ text: String) { _ = write(text + "\n", to: STDERR_FILENO) }

  /// Writes a result to standard output.
  static func put(_ text: String) { stream(text + "\n") }

  /// Writes a piece of a result to standard output, at once and without a line break.
  ///
  /// What nobody reads any more (`| head`) is lost and stops nothing: a run goes on. What cannot be written is told once, and by
  /// the exit code.
  static func stream(_ piece: String) {
    guard let code = write(piece, to: STDOUT_FILENO), code != EPIPE else { return }
    let isFirst = loss.withLock { isLost in
      defer { isLost = true }
      return !isLost
    }
    if isFirst {
      report([
        Diagnostic(
          code: "lost-output", "Cannot write to standard output: what it should hold is lost or cut",
          reason: String(cString: strerror(code)))
      ])
    }
  }

  /// Writes a text.
  ///
  /// - Returns: The system's error number; nil where all is written.
  private static func write(_ text: String, to descriptor: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      if written < 0, errno == EAGAIN {
        var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&place, 1, -1)
        continue
      }
      if written <= 0 { return errno }
      bytes = bytes.dropFirst(written)
    }
    return nil
  }

  /// Whether messages go to a terminal that somebody looks at.
  static var isInteractive: Bool { isatty(STDERR_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Writes a line to a terminal over the one before.
  static func overwrite(_ text: String) { _ = write("\r\u{1B}[K" + text, to: STDERR_FILENO) }

  /// Writes problems to standard error.
  static func report(_ problems: [Diagnostic]) {
    if !problems.isEmpty { say(problems.rendered(color: takesColor(STDERR_FILENO))) }
  }

  /// Warns of what the system refused on the way.
  static func warn(of refusals: [SystemError]) {
    let shown = 5
    report(refusals.prefix(shown).flatMap(\.diagnostics).map { $0.asWarning() })
    if refusals.count > shown { say("warning: \(refusals.count - shown) more of this kind") }
  }

  /// Keeps the numbers of standard input, output and error from being given to files that are opened later.
  ///
  /// What is closed then (`>&-`) refuses what is written there.
  static func holdStandardDescriptors() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number, which is this one.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
