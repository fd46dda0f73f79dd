import Diagnostics
import Foundation
import Glibc

/// Where output goes and what may be put there: results on standard output, messages on standard error, colours only on
/// a terminal that wants them.
enum Terminal {
  /// Whether a file descriptor is a terminal that takes colours; `NO_COLOR` (no-color.org) and a dumb terminal say no.
  static func takesColor(_ descriptor: Int32) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    return isatty(descriptor) != 0 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// Writes lines to standard error.
  static func say(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// Writes a result to standard output.
  static func put(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  /// Writes a text.
  ///
  /// What nobody reads any more (`| head`) is lost and stops nothing: a run goes on.
  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      if written <= 0 { return }
      bytes = bytes.dropFirst(written)
    }
  }

  /// Writes a piece of a result to standard output, at once and without a line break.
  static func stream(_ piece: String) { write(piece, to: STDOUT_FILENO) }

  /// Whether messages go to a terminal that somebody looks at.
  static var isInteractive: Bool { isatty(STDERR_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Writes a line to a terminal over the one before.
  static func overwrite(_ text: String) { write("\r\u{1B}[K" + text, to: STDERR_FILENO) }

  /// Writes problems to standard error.
  static func report(_ problems: [Diagnostic]) {
    if !problems.isEmpty { say(problems.rendered(color: takesColor(STDERR_FILENO))) }
  }
}
