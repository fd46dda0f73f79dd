import Foundation
import Pipeline
import Synchronization
import TestKit
import Testing

/// What an entry names is on the disk before the entry is.
@Suite struct FlushTests {
  @Test func aResultIsFlushedWithTheParts() throws {
    let journal = Journal()
    let workspace = try ToyWorkspace(files: FileSystem(isDurable: false) { journal.add($0, $1) })
    let text = "pipeline: p\nnodes:\n  a: {type: toy_text, text: \"one\\ntwo\"}\n  parts: {type: toy_parts, of: a}\n"
    #expect(try workspace.run(text + "outputs: [parts]\n").state == .done)
    let changes = journal.changes
    let entries = changes.indices.filter { changes[$0].change == .link && changes[$0].path.contains("/ac/") }
    // `a`, the two parts, and what is made of them.
    #expect(entries.count == 4)
    let last = try #require(entries.last)
    func isFlushed(_ path: String, after start: Int) -> Bool {
      changes[start..<last].contains { $0.change == .sync && $0.path == path }
    }
    for index in changes.indices.prefix(last) {
      let (change, path) = changes[index]
      let isBlob = change == .rename && path.contains("/cas/")
      let isEntry = change == .link && path.contains("/ac/")
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      if isBlob || isEntry { #expect(isFlushed(folder, after: index), "\(path)") }
    }
    for part in entries[1...2] {
      #expect(isFlushed(changes[part].path, after: part))
      #expect(!changes[part..<entries[2]].contains { $0.change == .sync }, "nothing waits for a part")
    }
    let blobs = Set(try workspace.blobs())
    let flushed = Set(changes[..<last].filter { $0.change == .sync }.map(\.path))
    // A part's text, manifest and preimage, twice.
    #expect(blobs.intersection(flushed).count == 6)
  }

  @Test func manyFilesAreFlushedAndOneThatIsMissingIsAnError() throws {
    let folder = try TemporaryFolder()
    let paths = (0..<40).map { folder.path("\($0)") }
    for path in paths { try FileSystem(isDurable: false).create(path, [1]) }
    try FileSystem().sync(paths + [folder.path])
    try FileSystem().sync([])
    #expect(throws: SystemError("open", folder.path("none"), code: ENOENT)) {
      try FileSystem().sync(paths + [folder.path("none")])
    }
  }
}

/// The changes of a file system, in their order.
private final class Journal: Sendable {
  private let entries = Mutex<[(change: FileSystem.Change, path: String)]>([])

  var changes: [(change: FileSystem.Change, path: String)] { entries.withLock { $0 } }

  func add(_ change: FileSystem.Change, _ path: String) { entries.withLock { $0.append((change, path)) } }
}
