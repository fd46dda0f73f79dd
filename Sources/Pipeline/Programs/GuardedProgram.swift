import Glibc
import Threads

/// A program of somebody else's that runs under a guard (``GuardMain``), as its worker sees it.
struct GuardedProgram {
  /// How it ended.
  enum Ending: Sendable, Hashable {
    /// With how many processes that it had left running, which were ended.
    case ended(SpawnedProcess.Ending, left: Int)
    /// It did not start, by the system's error number.
    case refused(Int32)
    /// The guard was killed.
    case unguarded
  }

  private let process: SpawnedProcess
  private var wishes: Int32 { process.ends[0] }
  private var output: Int32 { process.ends[1] }
  private var messages: Int32 { process.ends[2] }

  /// - Parameter helper: The program that is a guard when it is started with ``GuardMain/word``.
  init(_ program: OutsideProgram, helper: [String]) throws {
    do {
      process = try SpawnedProcess(
        helper + [GuardMain.word], [(0, .fromParent), (1, .toParent), (2, .same(as: 1)), (3, .toParent)])
    } catch {
      switch error {
      case .pipe(let code): throw SystemError("make a pipe for", program.file, code: code)
      case .program(let code): throw SystemError("start", helper.first ?? "", code: code)
      }
    }
    for end in [output, messages] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    // A guard that is gone already is noticed when it is followed.
    try? FileSystem.writeAll(wishes, Array(program.line.utf8), program.file)
  }

  /// Follows it to its end.
  ///
  /// - Parameters:
  ///   - grace: Seconds it has to end after it was asked to; then it is killed.
  ///   - isUnwanted: Asked all the time whether it is to stop.
  ///   - lines: Takes the lines that it has written, and what it wrote last.
  func follow(grace: Double, isUnwanted: () -> Bool, lines: ([String], _ latest: String) -> Void) -> Ending {
    defer { for end in process.ends { close(end) } }
    var text = OutputLines()
    var unread: [UInt8] = []
    var group: pid_t?
    var ending: Ending?
    var asked: Double?
    var isOpen = (output: true, messages: true)
    while isOpen.output || isOpen.messages {
      var ends: [pollfd] = []
      if isOpen.output { ends.append(pollfd(fd: output, events: Int16(POLLIN), revents: 0)) }
      if isOpen.messages { ends.append(pollfd(fd: messages, events: Int16(POLLIN), revents: 0)) }
      _ = poll(&ends, nfds_t(ends.count), 50)
      if isOpen.output {
        let (bytes, isMore) = Self.read(output)
        isOpen.output = isMore
        if !bytes.isEmpty {
          let whole = text.lines(in: bytes)
          lines(whole, text.latest)
        }
      }
      if isOpen.messages {
        let (bytes, isMore) = Self.read(messages)
        isOpen.messages = isMore
        unread += bytes
        while let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
          switch GuardMessage(Array(unread[..<end])) {
          case .started(let id): group = id
          case .refused(let code): ending = .refused(code)
          case .ended(let how, let left): ending = .ended(how, left: left)
          case nil: break
          }
          unread.removeSubrange(...end)
        }
        // Whoever holds the program's output open without a guard is not waited for.
        if !isMore, ending == nil { break }
      }
      if isUnwanted() {
        let now = steadyClock()
        if asked == nil { wish(.stop) } else if let asked, now > asked + grace { wish(.kill) }
        asked = asked ?? now
      }
    }
    if let rest = text.rest() { lines([rest], text.latest) }
    if ending == nil, let group { kill(-group, SIGKILL) }
    process.signal(SIGKILL)
    while waitpid(process.id, nil, 0) < 0, errno == EINTR {}
    return ending ?? .unguarded
  }

  private func wish(_ wish: GuardWish) { try? FileSystem.writeAll(wishes, [wish.rawValue], "a guard's pipe") }

  /// What there is, and whether more may come.
  private static func read(_ descriptor: Int32) -> (bytes: [UInt8], isMore: Bool) {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let got = Glibc.read(descriptor, &chunk, chunk.count)
    if got > 0 { return (Array(chunk[..<got]), true) }
    return ([], got < 0 && (errno == EAGAIN || errno == EINTR))
  }
}
