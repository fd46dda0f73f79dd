import Glibc
import Threads

/// A child process with a pipe to its standard input and one from its file descriptor 3; its output goes to a file.
///
/// Ctrl-C at the terminal reaches the parent alone, which then asks its children. Dropping the pipe to its input tells it
/// that the parent is gone, however the parent went (`PR_SET_PDEATHSIG` would follow the thread that started it, not the
/// process).
struct ChildProcess {
  private let spawned: SpawnedProcess
  /// Where the parent writes.
  let input: Int32
  /// Where the parent reads; does not block.
  let messages: Int32

  var process: pid_t { spawned.id }

  init(program: [String], log: String) throws {
    // Opened here, since a child that cannot open it could not say so.
    let log = try Self.opened(log: log)
    defer { close(log) }
    do {
      spawned = try SpawnedProcess(
        program, [(0, .fromParent), (1, .open(log)), (2, .open(log)), (3, .toParent)])
    } catch {
      switch error {
      case .pipe(let code): throw SystemError("make a pipe for", "a worker", code: code)
      case .program(let code): throw SystemError("start", program[0], code: code)
      }
    }
    (input, messages) = (spawned.ends[0], spawned.ends[1])
    guard fcntl(messages, F_SETFL, O_NONBLOCK) == 0 else {
      let error = SystemError("read from", "a worker")
      spawned.signal(SIGKILL)
      closePipes()
      waitpid(process, nil, 0)
      throw error
    }
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

  /// Signals the process and its children.
  func signal(_ number: Int32) { spawned.signal(number) }

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
  func ending() -> SpawnedProcess.Ending? { spawned.ending() }

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
