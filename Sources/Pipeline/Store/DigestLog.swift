import Synchronization

/// Which digest the bytes of a file had when they were last read, by the file's stamp: an append-only text file, one
/// line a digest, each with a checksum, so that a torn or damaged line is one digest forgotten and nothing worse.
///
/// Serves blobs ("was verified before, has not changed since") and source files alike. Losing it costs time only.
package final class DigestLog: Sendable {
  private struct State {
    var digests: [FileStamp: Digest] = [:]
    var isLoaded = false
  }

  private let path: String
  private let files: FileSystem
  private let state = Mutex(State())

  package init(path: String, files: FileSystem) {
    self.path = path
    self.files = files
  }

  /// The digest that the file with this stamp is known to have.
  package func digest(for stamp: FileStamp) -> Digest? {
    state.withLock { state in
      load(&state)
      return state.digests[stamp]
    }
  }

  /// Remembers what was read from `start` on (wall clock), unless the file was changed too shortly before for its stamp
  /// to prove anything later.
  ///
  /// A log that cannot be written is no error: the file is read again another time.
  package func remember(_ digest: Digest, for stamp: FileStamp, readFrom start: Int64) {
    guard stamp.isSettled(readFrom: start) else { return }
    let isNew = state.withLock { state in
      load(&state)
      return state.digests.updateValue(digest, forKey: stamp) != digest
    }
    if isNew { try? files.append(path, Array(Self.line(stamp, digest).utf8)) }
  }

  /// The digest of a file, from the log or by reading it; nil when there is no such file.
  package func digest(of path: String) throws -> BlobReference? {
    guard let status = try files.status(path) else { return nil }
    if let known = digest(for: status.stamp) { return BlobReference(digest: known, size: status.stamp.size) }
    guard let (digest, stamp, start) = try files.digest(path) else { return nil }
    remember(digest, for: stamp, readFrom: start)
    return BlobReference(digest: digest, size: stamp.size)
  }

  // MARK: The file

  private static func line(_ stamp: FileStamp, _ digest: Digest) -> String {
    let text = "\(stamp.device) \(stamp.inode) \(stamp.size) \(stamp.modified) \(stamp.changed) \(digest.hex)"
    return "\(text) \(checksum(text[...]))\n"
  }

  private static func checksum(_ text: Substring) -> String { String(Digest(of: Array(text.utf8)).hex.prefix(8)) }

  private func load(_ state: inout State) {
    guard !state.isLoaded else { return }
    state.isLoaded = true
    guard let bytes = try? files.read(path, limit: 1 << 28) else { return }
    var lines = 0
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      lines += 1
      guard let (stamp, digest) = Self.parse(Substring(decoding: line, as: UTF8.self)) else { continue }
      state.digests[stamp] = digest
    }
    if lines > 4 * state.digests.count + 1000 { compact(state.digests) }
  }

  private static func parse(_ line: Substring) -> (FileStamp, Digest)? {
    guard let space = line.utf8.lastIndex(of: UInt8(ascii: " ")) else { return nil }
    let parts = line[..<space].split(separator: " ")
    guard parts.count == 6, line[line.utf8.index(after: space)...] == checksum(line[..<space]),
      let device = UInt64(parts[0]), let inode = UInt64(parts[1]), let size = Int(parts[2]),
      let modified = Int64(parts[3]), let changed = Int64(parts[4]), let digest = Digest(hex: String(parts[5]))
    else { return nil }
    return (FileStamp(device: device, inode: inode, size: size, modified: modified, changed: changed), digest)
  }

  /// Rewrites the file without what was superseded or damaged.
  ///
  /// Lines that another process adds meanwhile are lost, which costs it one more reading.
  private func compact(_ digests: [FileStamp: Digest]) {
    let text = digests.map { Self.line($0.key, $0.value) }.sorted().joined()
    try? files.replace(path, Array(text.utf8), temporary: path + ".\(uniqueName())")
  }
}

/// A name that no other process or thread uses: 32 random hexadecimal digits.
package func uniqueName() -> String {
  var random = SystemRandomNumberGenerator()
  func part() -> String {
    let digits = String(random.next() as UInt64, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
  return part() + part()
}
