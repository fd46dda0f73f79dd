import Synchronization

/// Which digest the bytes of a file had when they were last read, by the file's stamp: an append-only text file, one
/// line a digest, each with a checksum, so that a torn or damaged line is one digest forgotten and nothing worse.
///
/// Serves blobs ("was verified before, has not changed since") and source files alike. Losing it costs time only.
package final class DigestLog: Sendable {
  private struct State {
    /// What this process read, and lines of the file that were looked up and found sound.
    var digests: [FileStamp: Digest] = [:]
    /// The file as it was when it was first asked, and its last line about each stamp, not checked before it is needed:
    /// a store may know a million files, and a command asks for a few.
    var text: [UInt8] = []
    var lines: [FileStamp: Range<Int>] = [:]
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
    state.withLock { known(stamp, in: &$0) }
  }

  private func known(_ stamp: FileStamp, in state: inout State) -> Digest? {
    load(&state)
    if let digest = state.digests[stamp] { return digest }
    guard let range = state.lines[stamp], let digest = Self.digest(state.text[range]) else { return nil }
    state.digests[stamp] = digest
    return digest
  }

  /// Remembers what was read from `start` on (wall clock), unless the file was changed too shortly before for its stamp
  /// to prove anything later.
  ///
  /// A log that cannot be written is no error: the file is read again another time.
  package func remember(_ digest: Digest, for stamp: FileStamp, readFrom start: Int64) {
    guard stamp.isSettled(readFrom: start) else { return }
    let isNew = state.withLock { state in
      let before = known(stamp, in: &state)
      state.digests[stamp] = digest
      return before != digest
    }
    if isNew { append(Self.line(stamp, digest)) }
  }

  /// Takes back what is known of a file whose bytes were read and turned out to be others: they changed below the file
  /// system, and its stamp did not.
  package func correct(_ digest: Digest, for stamp: FileStamp, readFrom start: Int64) {
    let isWrong = state.withLock { state in
      guard let before = known(stamp, in: &state), before != digest else { return false }
      state.digests[stamp] = digest
      return true
    }
    if isWrong { append(Self.line(stamp, digest)) } else { remember(digest, for: stamp, readFrom: start) }
  }

  /// Adds a line to the file.
  private func append(_ line: String) {
    // A log that cannot be written costs another reading, no more.
    do { try files.append(path, Array(line.utf8)) } catch {
      try? files.makeFolder(parentFolder(of: path))
      // Something else than a file, such as a folder, is no log.
      if let status = try? files.status(path, followsLinks: false), status.kind != .file { try? files.removeTree(path) }
      try? files.append(path, Array(line.utf8))
    }
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
    // Times before 1970 are written as their bits.
    let times = "\(UInt64(bitPattern: stamp.modified)) \(UInt64(bitPattern: stamp.changed))"
    let text = "\(stamp.device) \(stamp.inode) \(stamp.size) \(times) \(digest.hex)"
    return "\(text) \(checksum(text.utf8))\n"
  }

  private static func checksum(_ text: some Collection<UInt8>) -> Substring { Digest(of: text).hex.prefix(8) }

  private func load(_ state: inout State) {
    guard !state.isLoaded else { return }
    state.isLoaded = true
    // A log that cannot be read is an empty one.
    guard let text = try? files.read(path, limit: 1 << 28) else { return }
    state.text = text
    var count = 0
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
      if let stamp = Self.stamp(text[start..<end]) { state.lines[stamp] = start..<end }
      count += 1
      start = end + 1
    }
    if count > 4 * state.lines.count + 1000 { compact(state) }
  }

  /// The stamp that a line begins with.
  private static func stamp(_ line: ArraySlice<UInt8>) -> FileStamp? {
    var numbers = SIMD8<UInt64>()
    var field = 0
    for byte in line {
      if byte == UInt8(ascii: " ") {
        field += 1
        if field == 5 { break }
      } else {
        let (product, overflow) = numbers[field].multipliedReportingOverflow(by: 10)
        guard (0x30...0x39).contains(byte), !overflow else { return nil }
        let (sum, isTooLarge) = product.addingReportingOverflow(UInt64(byte - 0x30))
        guard !isTooLarge else { return nil }
        numbers[field] = sum
      }
    }
    guard field == 5, let size = Int(exactly: numbers[2]) else { return nil }
    return FileStamp(
      device: numbers[0], inode: numbers[1], size: size, modified: Int64(bitPattern: numbers[3]),
      changed: Int64(bitPattern: numbers[4]))
  }

  /// The digest on a line, nil when its checksum is wrong.
  private static func digest(_ line: ArraySlice<UInt8>) -> Digest? {
    guard let last = line.lastIndex(of: UInt8(ascii: " ")) else { return nil }
    let text = line[..<last]
    guard line[(last + 1)...].elementsEqual(checksum(text).utf8), let space = text.lastIndex(of: UInt8(ascii: " "))
    else { return nil }
    return Digest(hex: text[(space + 1)...])
  }

  /// Rewrites the file without what was superseded or damaged.
  ///
  /// Lines that another process adds meanwhile are lost, which costs it one more reading.
  private func compact(_ state: State) {
    let lines = state.lines.values.map { state.text[$0] }.filter { Self.digest($0) != nil }
    let text = lines.map { String(decoding: $0, as: UTF8.self) + "\n" }.sorted().joined()
    let folder = parentFolder(of: path) + "/tmp"
    // One that cannot be made shorter stays as it is.
    try? files.makeFolder(folder)
    try? files.replace(path, Array(text.utf8), temporary: "\(folder)/\(temporaryName())")
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
