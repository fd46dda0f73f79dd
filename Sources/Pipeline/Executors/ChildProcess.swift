import Foundation
import Glibc

/// A child process with a pipe to its standard input and one from its file descriptor 3; its output goes to a file.
///
/// It leads a process group of its own, so that Ctrl-C at the terminal reaches the parent alone, which then asks its
/// children. Dropping the pipe to its input tells it that the parent is gone, however the parent went
/// (`PR_SET_PDEATHSIG` would follow the thread that started it, not the process).
struct ChildProcess {
  /// How it ended.
  enum Ending: Equatable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  let process: pid_t
  /// Where the parent writes.
  let input: Int32
  /// Where the parent reads; does not block.
  let messages: Int32

  /// Two children started at once must not inherit each other's pipe ends between `pipe` and close-on-exec.
  private static let lock = NSLock()

  init(program: [String], log: String) throws {
    Self.lock.lock()
    defer { Self.lock.unlock() }
    // Opened here, since a child that cannot open it could not say so.
    let log = try Self.opened(log: log)
    defer { close(log) }
    let (childInput, input) = try Self.pipe()
    defer { close(childInput) }
    let messages: Int32
    let childMessages: Int32
    do { (messages, childMessages) = try Self.pipe() } catch {
      close(input)
      throw error
    }
    defer { close(childMessages) }
    self.input = input
    self.messages = messages
    func give(up error: SystemError) -> SystemError {
      close(input)
      close(messages)
      return error
    }
    guard fcntl(messages, F_SETFL, O_NONBLOCK) == 0 else { throw give(up: SystemError("read from", "a worker")) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, childInput, 0)
    posix_spawn_file_actions_adddup2(&actions, log, 1)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Out of the way of the descriptors that are set first.
    let spare = fcntl(childMessages, F_DUPFD_CLOEXEC, 10)
    guard spare >= 0 else { throw give(up: SystemError("make a pipe for", "a worker")) }
    defer { close(spare) }
    posix_spawn_file_actions_adddup2(&actions, spare, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigfillset(&defaults)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var arguments = program.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, program[0], &actions, &attributes, &arguments, environ)
    guard code == 0 else { throw give(up: SystemError("start", program[0], code: code)) }
    self.process = process
  }

  /// A log to write to the end of, out of the way of the descriptors that a child begins with.
  static func opened(log: String) throws -> Int32 {
    let file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw SystemError("write", log) }
    defer { close(file) }
    let moved = fcntl(file, F_DUPFD_CLOEXEC, 10)
    guard moved >= 0 else { throw SystemError("write", log) }
    return moved
  }

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw SystemError("make a pipe for", "a worker") }
    for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) != 0 {
      let error = SystemError("make a pipe for", "a worker")
      for end in ends { close(end) }
      throw error
    }
    return (ends[0], ends[1])
  }

  /// Signals the process and its children.
  func signal(_ number: Int32) { if kill(-process, number) != 0 { kill(process, number) } }

  /// Reads what there is, waiting at most `milliseconds` for it; nil at the end.
  func read(waiting milliseconds: Int32) -> [UInt8]? {
    var wanted = pollfd(fd: messages, events: Int16(POLLIN), revents: 0)
    // Reading does not block, so it is tried where the system cannot say whether there is something.
    if poll(&wanted, 1, milliseconds) == 0 { return [] }
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let got = Glibc.read(messages, &chunk, chunk.count)
    if got > 0 { return Array(chunk[..<got]) }
    return got == 0 || (errno != EAGAIN && errno != EINTR) ? nil : []
  }

  /// How it ended, nil while it runs.
  func ending() -> Ending? {
    var status: Int32 = 0
    let got = waitpid(process, &status, WNOHANG)
    guard got == process else { return got < 0 && errno == ECHILD ? .exited(-1) : nil }
    let number = status & 0x7F
    return number == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: number)
  }

  func closePipes() {
    close(input)
    close(messages)
  }
}

/// Highest resident memory of a process so far, in bytes (`VmHWM`, proc(5)); nil when it is gone.
///
/// `getrusage` will not do: until `exec` a child counts its parent's memory as its own.
func peakMemory(of process: pid_t?) -> Int? {
  let name = process.map(String.init) ?? "self"
  guard let bytes = (try? FileSystem().read("/proc/\(name)/status")) ?? nil else { return nil }
  for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "VmHWM:".utf8) {
    let digits = line.filter { (0x30...0x39).contains($0) }
    return Int(String(decoding: digits, as: UTF8.self)).map { $0 * 1024 }
  }
  return nil
}
