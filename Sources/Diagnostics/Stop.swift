import Glibc
import Synchronization

/// Whether ``stop(_:)`` has said why the process ends.
private let hasSpoken = Atomic(false)

/// Ends the process where no error can be thrown: memory that ran out, a library that refuses its work, data of the user
/// that was promised to be checked before.
///
/// Writes `error: ` and the message to standard error by itself, since the messages of `preconditionFailure` are not
/// printed in release builds, and traps. A worker's words become the error of its node.
package func stop(_ message: @autoclosure () -> String) -> Never {
  var line = "error: \(message())\n"
  line.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  hasSpoken.store(true, ordering: .releasing)
  preconditionFailure("stopped")
}

/// The last words of a process that a fault ends.
package enum LastWords {
  /// Has faults of this process (illegal instruction, which is how Swift traps, segmentation fault and so on) say a line
  /// on standard error and end it with exit code 1, rather than by a signal without a word.
  ///
  /// Where the runtime was asked to print backtraces (`SWIFT_BACKTRACE`) the faults are left to it.
  package static func prepare() {
    guard getenv("SWIFT_BACKTRACE") == nil else { return }
    _ = hasSpoken.load(ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      if !hasSpoken.load(ordering: .acquiring) { LastWords.sayFault(number) }
      _exit(1)
    }
    for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE] { sigaction(number, &action, nil) }
  }

  /// Only what a handler of signals may do: no memory, no locks.
  private static func sayFault(_ number: Int32) {
    let words: StaticString =
      switch number {
      case SIGBUS:
        "error: Cannot read a file that is being used: it was cut short, or the disk fails (SIGBUS)\n"
      case SIGSEGV: "error: Cannot go on: a fault of the program, or the end of a thread's stack (SIGSEGV)\n"
      case SIGABRT: "error: Cannot go on: memory or threads ran out, or a library found a fault (SIGABRT)\n"
      default:
        "error: Cannot go on: memory, address space (`ulimit -v`) or open files (`ulimit -n`) ran out, or a fault (SIGILL)\n"
      }
    put(UnsafeRawBufferPointer(start: words.utf8Start, count: words.utf8CodeUnitCount))
  }
}

/// Writes bytes to standard error with nothing but the system call.
private func put(_ bytes: UnsafeRawBufferPointer) {
  var rest = bytes[...]
  while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
    let written = write(STDERR_FILENO, start, rest.count)
    if written < 0, errno == EINTR { continue }
    guard written > 0 else { return }
    rest = rest.dropFirst(written)
  }
}
