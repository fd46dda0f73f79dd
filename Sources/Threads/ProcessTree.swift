import CProcesses
import Glibc

/// What of its descendants a process sees to itself.
package enum ProcessTree {
  /// Makes processes below this one its own children when their parents end; so none gets out of sight.
  package static func adoptOrphans() { _ = adopt_orphans() }

  /// Has the system kill this process when the thread that started it ends, in whatever way; it holds over `execve`.
  package static func endWithParent() { _ = end_with_parent(SIGKILL) }

  /// Has all descriptors from a number on closed when this process becomes another program: whoever started it may have
  /// left some open.
  package static func closeDescriptors(from first: Int32) {
    for name in entries(of: "/proc/self/fd") {
      if let number = Int32(name), number >= first { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
    }
  }

  /// The children of this process, as proc(5) lists them.
  private static var children: [pid_t] {
    let own = String(getpid())
    return entries(of: "/proc").compactMap { name in
      guard let id = pid_t(name), parent(of: name) == own else { return nil }
      return id
    }
  }

  /// The fourth word of `/proc/ID/stat`; the second one is in brackets and may hold anything.
  private static func parent(of id: String) -> String? {
    let file = open("/proc/\(id)/stat", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let got = read(file, &bytes, bytes.count)
    guard got > 0, let end = bytes[..<got].lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let words = bytes[(end + 1)..<got].split(separator: UInt8(ascii: " "))
    return words.count > 1 ? String(decoding: words[1], as: UTF8.self) : nil
  }

  private static func entries(of path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  /// Kills all that is below this process, and sees it off; to be called by one that has adopted orphans and has no other
  /// children to keep.
  ///
  /// Whatever is killed leaves its own children to this process, so this goes on until there are none.
  /// - Parameter group: A process group that goes first.
  /// - Returns: How many processes there were.
  package static func endDescendants(group: pid_t) -> Int {
    var ended: Set<pid_t> = []
    // A process in the midst of a system call that cannot be interrupted takes its time.
    for _ in 0..<1000 {
      kill(-group, SIGKILL)
      for child in children {
        kill(child, SIGKILL)
        ended.insert(child)
      }
      var gone: pid_t
      repeat {
        gone = waitpid(-1, nil, WNOHANG)
        if gone > 0 { ended.insert(gone) }
      } while gone > 0
      if gone < 0, errno == ECHILD { break }
      usleep(2000)
    }
    return ended.count
  }
}
