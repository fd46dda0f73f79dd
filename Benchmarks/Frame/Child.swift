import Glibc

/// A process that has ended, with what it took.
struct Child {
  /// From just before it was started until it was gone.
  let seconds: Double
  /// The most memory it had, in bytes.
  let peakMemory: Int

  /// Runs a program to its end; what it writes is thrown away.
  ///
  /// This process's working directory becomes the child's.
  ///
  /// - Throws: ``ChildError`` when it cannot be started or does not end with 0.
  static func run(_ command: [String], in directory: String) throws -> Child {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var arguments = command.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    var usage = rusage()
    var status: Int32 = 0
    guard chdir(directory) == 0 else { throw ChildError(command: ["cd", directory], status: nil) }
    let clock = ContinuousClock()
    let time = try clock.measure {
      guard posix_spawn(&process, command[0], &actions, nil, &arguments, environ) == 0 else {
        throw ChildError(command: command, status: nil)
      }
      while wait4(process, &status, 0, &usage) < 0, errno == EINTR {}
    }
    guard status == 0 else { throw ChildError(command: command, status: status) }
    return Child(seconds: time / .seconds(1), peakMemory: Int(usage.ru_maxrss) << 10)
  }
}

/// A process that did not do what it was started for.
struct ChildError: Error, CustomStringConvertible {
  let command: [String]
  /// As `wait` gives it; nil when the process could not be started.
  let status: Int32?

  var description: String {
    let end = status.map { "ended with wait status \($0)" } ?? "cannot be started"
    return "`\(command.joined(separator: " "))` \(end)"
  }
}
