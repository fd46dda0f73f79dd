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
  static func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  /// Writes a result to standard output.
  static func put(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

  /// Writes a piece of a result to standard output, at once and without a line break.
  static func stream(_ piece: String) { FileHandle.standardOutput.write(Data(piece.utf8)) }

  /// Writes problems to standard error.
  static func report(_ problems: [Diagnostic]) {
    if !problems.isEmpty { say(problems.rendered(color: takesColor(STDERR_FILENO))) }
  }
}
