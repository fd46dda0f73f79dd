import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// The file system says no: every such answer ends in one clear error and an intact store.
@Suite struct RefusalTests {
  /// A hook that lets the first changes pass and refuses all further ones below a folder.
  private func refusing(_ code: Int32, below folder: String, after allowed: Int) -> FileSystem.Hook {
    let counter = Counter()
    return { change, path in
      guard path.hasPrefix(folder), change != .remove else { return }
      if counter.next() > allowed { throw SystemError(change == .write ? "write" : change.rawValue, path, code: code) }
    }
  }

  @Test(arguments: [
    (ENOSPC, "disk-full"), (EROFS, "read-only"), (EACCES, "no-permission"), (EMFILE, "too-many-files"),
  ])
  func failsTheNodeAndLeavesTheStoreWhole(code: Int32, name: String) throws {
    let text = "pipeline: p\nnodes:\n  a: {type: toy_text, text: abc}\n  b: {type: toy_head, of: a}\noutputs: [b]\n"
    for allowed in 0..<45 {
      let workspace = try ToyWorkspace()
      let files = FileSystem(
        isDurable: false, hook: refusing(code, below: workspace.store.path, after: allowed))
      let summary = try workspace.run(text, store: workspace.reopened(files: files))
      if summary.state != .done {
        let failed = try #require(summary.nodes.first { $0.state == .failed }, "after \(allowed)")
        #expect(failed.problems.first?.code == name, "after \(allowed): \(failed.problems)")
      }
      #expect(try workspace.store.verify().isSound, "after \(allowed)")
      #expect(try workspace.run(text, store: workspace.reopened()).state == .done, "after \(allowed)")
    }
  }

  @Test func aReadOnlyStoreServesWhatItHolds() throws {
    let workspace = try ToyWorkspace()
    let text = "pipeline: p\nnodes:\n  a: {type: toy_text, text: abc}\n  b: {type: toy_head, of: a}\noutputs: [b]\n"
    try workspace.run(text)
    let files = FileSystem(isDurable: false, hook: refusing(EROFS, below: workspace.store.path, after: 0))
    let summary = try workspace.run(text, store: workspace.reopened(files: files))
    #expect(summary.names(.cached) == ["a", "b"])
    let edited = try workspace.run(
      text.replacingOccurrences(of: "abc", with: "abd"), store: workspace.reopened(files: files))
    let problem = try #require(edited["a"]?.problems.first)
    #expect(problem.summary.hasSuffix("the file system is read-only"))
    #expect(problem.advice == "name a writable store with the environment variable `ANNEAL_STORE`")
  }

  @Test func aFileInTheStoresPlaceIsAnError() throws {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("not a folder", to: "store")
    let summary = try workspace.run("pipeline: p\nnodes:\n  a: {type: toy_text, text: abc}\noutputs: [a]\n")
    #expect(summary["a"]?.state == .failed)
    #expect(summary["a"]?.problems.first?.summary.hasPrefix("Cannot ") == true)
  }

  @Test func blobsAreReadableByOthersAndWritableByNobody() throws {
    let workspace = try ToyWorkspace()
    try workspace.run("pipeline: p\nnodes:\n  a: {type: toy_text, text: abc}\noutputs: [a]\n")
    for blob in try workspace.blobs() {
      let mode = try #require(try FileSystem().status(blob)?.mode)
      #expect(mode & 0o222 == 0)
      #expect(mode & 0o444 != 0)
    }
  }
}

/// Counts from 1.
private final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var value = 0

  func next() -> Int {
    lock.lock()
    defer { lock.unlock() }
    value += 1
    return value
  }
}
