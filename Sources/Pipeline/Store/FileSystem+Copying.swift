import Glibc

extension FileSystem {
  /// Copies a file into one that must not exist yet.
  ///
  /// - Parameter step: Called before every piece; what it throws ends the copying.
  /// - Returns: Whether there was a file to copy.
  func copy(_ from: String, to path: String, each step: () throws -> Void) throws -> Bool {
    let source = open(from, O_RDONLY | O_CLOEXEC)
    if source < 0, errno == ENOENT { return false }
    guard source >= 0 else { throw SystemError("open", from) }
    defer { close(source) }
    try hook?(.write, path)
    let target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard target >= 0 else { throw SystemError("write", path) }
    do {
      try Self.closing(target, path) { try Self.pour(source, from, target, path, step) }
    } catch {
      unlink(path)
      throw error
    }
    return true
  }

  private static func pour(
    _ source: Int32, _ from: String, _ target: Int32, _ path: String, _ step: () throws -> Void
  ) throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      try step()
      let got = Glibc.read(source, &buffer, buffer.count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw SystemError("read", from) }
      if got == 0 { return }
      try writeAll(target, buffer[..<got], path)
    }
  }
}
