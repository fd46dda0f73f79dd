import Foundation

/// The memory that a process can still take.
enum FreeMemory {
  /// The least of what the machine has and what the process's control group may take; nil where the system does not say.
  static var bytes: Int? {
    let machine = line("/proc/meminfo", "MemAvailable:").map { $0 * 1024 }
    let group = number("/sys/fs/cgroup/memory.max").flatMap { most in
      number("/sys/fs/cgroup/memory.current").map { max(0, most - $0) }
    }
    return [machine, group].compactMap { $0 }.min()
  }

  /// The number behind a name in a file of names and numbers.
  private static func line(_ path: String, _ name: String) -> Int? {
    text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }?
      .split(separator: " ").dropFirst().first.flatMap { Int($0) }
  }

  private static func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.split(separator: "\n").first ?? "") }
  }

  private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
