import Glibc
import Threads

/// The main program of a guard: a process between a worker and a program of somebody else's, which has the program and all
/// that it starts end when the worker ends, however that comes.
///
/// It reads one order from standard input and tells on file descriptor 3 how the program goes. The program writes where
/// the guard's standard output and error go. Whatever comes on standard input after the order is a wish: `s` asks the
/// program to stop (SIGTERM to its group), `k` kills it; the end of the input does so too, with all its descendants, for
/// the guard has adopted those whose parents ended. Should the guard be killed itself, the system kills the program.
package enum GuardMain {
  /// What makes the guard's program one: the first argument.
  package static let word = "guard"
  /// The second argument of the process that becomes the program.
  private static let second = "become"
  private static let channel: Int32 = 3
  /// Where the process that becomes the program says that it cannot.
  private static let refusals: Int32 = 4

  /// - Parameter arguments: Those behind ``word``.
  package static func run(_ arguments: [String]) -> Int32 {
    arguments == [second] ? become() : keep()
  }

  // MARK: The guard

  private static func keep() -> Int32 {
    // Nothing but its worker ends it.
    for number in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
    signal(SIGCHLD, SIG_DFL)
    _ = fcntl(channel, F_SETFD, FD_CLOEXEC)
    ProcessTree.adoptOrphans()
    guard let line = readLine(0), let program = OutsideProgram(line: line) else { return 2 }
    let child: SpawnedProcess
    do {
      child = try SpawnedProcess(
        ["/proc/self/exe", word, second], [(0, .fromParent), (refusals, .toParent)])
    } catch {
      switch error {
      case .pipe(let code), .program(let code): tell(.refused(code))
      }
      return 1
    }
    // One that is gone already says so below.
    try? FileSystem.writeAll(child.ends[0], Array(program.line.utf8), program.file)
    close(child.ends[0])
    if let code = refusal(child.ends[1]) {
      tell(.refused(code))
      _ = ProcessTree.endDescendants(group: child.id)
      return 1
    }
    tell(.started(child.id))
    let status = follow(child.id)
    let left = ProcessTree.endDescendants(group: child.id)
    tell(.ended(status, left: left))
    return 0
  }

  /// Waits for the end of the program, and passes wishes on.
  private static func follow(_ child: pid_t) -> SpawnedProcess.Ending {
    while true {
      var wanted = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
      if poll(&wanted, 1, 10) > 0 {
        var byte: UInt8 = 0
        let got = read(0, &byte, 1)
        if got > 0 {
          kill(-child, byte == GuardWish.kill.rawValue ? SIGKILL : SIGTERM)
        } else if got == 0 || errno != EINTR {
          _ = ProcessTree.endDescendants(group: child)
          _exit(1)
        }
      }
      while true {
        var status: Int32 = 0
        let gone = waitpid(-1, &status, WNOHANG)
        if gone == child { return SpawnedProcess.Ending(status: status) }
        if gone <= 0 { break }
      }
    }
  }

  /// The error number with which the program did not start; nil when it did.
  private static func refusal(_ descriptor: Int32) -> Int32? {
    defer { close(descriptor) }
    var code: Int32 = 0
    var got: Int
    repeat { got = read(descriptor, &code, 4) } while got < 0 && errno == EINTR
    return got == 4 ? code : nil
  }

  private static func tell(_ message: GuardMessage) {
    try? FileSystem.writeAll(channel, Array(message.line.utf8), "the worker's pipe")
  }

  // MARK: The program

  private static func become() -> Int32 {
    let parent = getppid()
    ProcessTree.endWithParent()
    ProcessTree.closeDescriptors(from: channel)
    guard let line = readLine(0), let program = OutsideProgram(line: line), getppid() == parent else { return 2 }
    let nothing = open("/dev/null", O_RDWR)
    guard nothing >= 0, dup2(nothing, 0) == 0 else { return refuse() }
    if nothing > 2 { close(nothing) }
    guard chdir(program.folder) == 0 else { return refuse() }
    var words = program.words.map { strdup($0) } + [nil]
    var variables = program.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    execve(program.file, &words, &variables)
    return refuse()
  }

  private static func refuse() -> Int32 {
    var code = errno
    _ = write(refusals, &code, 4)
    return 127
  }

  /// The bytes up to the end of a line, one after the other, so that what follows it stays where it is.
  private static func readLine(_ descriptor: Int32) -> [UInt8]? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while true {
      let got = read(descriptor, &byte, 1)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      if byte == UInt8(ascii: "\n") { return line }
      line.append(byte)
    }
  }
}
