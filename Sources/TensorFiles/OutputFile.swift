import Glibc

/// A file being written from start to end; unfinished files are removed.
package final class OutputFile {
  package let path: String
  private var descriptor: Int32

  /// Creates the file, or empties one that exists.
  package init(path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError(path: path, action: .create, code: errno) }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(path)
  }

  /// Appends all the bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count, let start = bytes.baseAddress {
      let count = Glibc.write(descriptor, start + done, bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(path: path, action: .write, code: errno)
      }
      done += count
    }
  }

  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Brings the bytes to the disk and closes the file, which is kept from now on.
  package func finish() throws {
    guard fsync(descriptor) == 0 else { throw FileError(path: path, action: .write, code: errno) }
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else { throw FileError(path: path, action: .write, code: errno) }
  }
}
