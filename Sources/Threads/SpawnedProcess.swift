import CProcesses
import Glibc

/// A child process that leads a process group of its own, so that Ctrl-C at the terminal reaches the parent alone.
///
/// It begins with every signal as the system has it and none held back, and with the descriptors that it is given beside
/// those that its parent does not close.
package struct SpawnedProcess: Sendable {
  /// What one of the child's descriptors is.
  package enum Descriptor: Sendable {
    /// A pipe that the parent writes to.
    case fromParent
    /// A pipe that the parent reads.
    case toParent
    /// What the parent has open under a number from 10 on.
    case open(Int32)
    /// The same as another of the child's descriptors, one made before.
    case same(as: Int32)
  }

  /// The child's environment.
  package enum Environment: Sendable {
    /// The parent's, with variables beside its own or in the place of some.
    case inherited(with: [String: String])
    case exactly([String: String])
  }

  /// How it ended.
  package enum Ending: Sendable, Hashable {
    case exited(Int32)
    case killed(signal: Int32)

    /// - Parameter status: What `waitpid` says of a process that ended.
    package init(status: Int32) {
      let number = status & 0x7F
      self = number == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: number)
    }
  }

  /// What the system did not do, and its error number.
  package enum Refusal: Error, Sendable, Hashable {
    case pipe(Int32)
    case program(Int32)
  }

  package let id: pid_t
  /// The parent's ends of the pipes, in the order in which they were asked for; the parent closes them.
  package let ends: [Int32]

  /// Two children started at once must not inherit each other's pipe ends between `pipe` and close-on-exec.
  private nonisolated(unsafe) static let lock = {
    let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    return lock
  }()

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - program: With its arguments; looked for along `PATH` when its name has no slash.
  ///   - descriptors: By the child's numbers, in the order in which they are made.
  ///   - folder: The folder to start in; the parent's unless given.
  package init(
    _ program: [String], _ descriptors: [(number: Int32, kind: Descriptor)],
    environment: Environment = .inherited(with: [:]), folder: String? = nil
  ) throws(Refusal) {
    pthread_mutex_lock(Self.lock)
    defer { pthread_mutex_unlock(Self.lock) }
    var (own, theirs): ([Int32], [Int32]) = ([], [])
    defer { for end in theirs { close(end) } }
    func give(up refusal: Refusal) -> Refusal {
      for end in own { close(end) }
      return refusal
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, kind) in descriptors {
      let source: Int32
      switch kind {
      case .open(let file), .same(let file): source = file
      case .fromParent, .toParent:
        let pipe: (parent: Int32, child: Int32)
        do { pipe = try Self.pipe(kind) } catch { throw give(up: error) }
        own.append(pipe.parent)
        theirs.append(pipe.child)
        source = pipe.child
      }
      posix_spawn_file_actions_adddup2(&actions, source, number)
    }
    if let folder { _ = start_in(&actions, folder) }
    var attributes = Self.attributes()
    defer { posix_spawnattr_destroy(&attributes) }
    var arguments = program.map { strdup($0) } + [nil]
    var environment = Self.texts(of: environment)
    defer { for text in arguments + environment { free(text) } }
    var id: pid_t = 0
    let code = posix_spawnp(&id, program[0], &actions, &attributes, &arguments, &environment)
    guard code == 0 else { throw give(up: .program(code)) }
    self.id = id
    ends = own
  }

  private static func attributes() -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var defaults = sigset_t()
    sigfillset(&defaults)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    return attributes
  }

  /// The variables as the system wants them; to be freed.
  private static func texts(of environment: Environment) -> [UnsafeMutablePointer<CChar>?] {
    let variables: [String: String]
    switch environment {
    case .exactly(let variables): return variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    case .inherited(let others): variables = others
    }
    var texts: [UnsafeMutablePointer<CChar>?] = []
    var next = environ
    while let text = next.pointee {
      let name = strchr(text, Int32(UInt8(ascii: "="))).map { $0 - text } ?? strlen(text)
      let isReplaced = variables.keys.contains { $0.utf8.count == name && strncmp(text, $0, name) == 0 }
      if !isReplaced { texts.append(strdup(text)) }
      next += 1
    }
    return texts + variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
  }

  /// A pipe of which no other child gets an end; the child's end is out of the way of the numbers it is given.
  private static func pipe(_ kind: Descriptor) throws(Refusal) -> (parent: Int32, child: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw .pipe(errno) }
    let (parent, child) = if case .fromParent = kind { (ends[1], ends[0]) } else { (ends[0], ends[1]) }
    defer { close(child) }
    let moved = fcntl(child, F_DUPFD_CLOEXEC, 10)
    guard moved >= 0, fcntl(parent, F_SETFD, FD_CLOEXEC) == 0 else {
      let code = errno
      close(parent)
      if moved >= 0 { close(moved) }
      throw .pipe(code)
    }
    return (parent, moved)
  }

  /// Signals the process and its children.
  package func signal(_ number: Int32) { if kill(-id, number) != 0 { kill(id, number) } }

  /// How it ended, nil while it runs; whoever is told has to tell others.
  package func ending() -> Ending? {
    var status: Int32 = 0
    let got = waitpid(id, &status, WNOHANG)
    guard got == id else { return got < 0 && errno == ECHILD ? .exited(-1) : nil }
    return Ending(status: status)
  }
}
