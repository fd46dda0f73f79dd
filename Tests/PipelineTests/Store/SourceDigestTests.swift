import Foundation
import Glibc
import Pipeline
import TestKit
import Testing

@Suite struct SourceDigestTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  /// As another process would ask.
  private func digest(_ name: String) throws -> Digest {
    try workspace.reopened().sources.digest(path: workspace.folder.path(name)).digest
  }

  @Test func aFileIsItsBytes() throws {
    try workspace.folder.write("abc", to: "file")
    let (digest, size) = try workspace.store.sources.digest(path: workspace.folder.path("file"))
    #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(size == 3)
  }

  @Test func aFolderIsItsTree() throws {
    try workspace.folder.write("1", to: "f/a")
    try workspace.folder.write("2", to: "f/sub/b")
    let first = try digest("f")
    try workspace.folder.write("hidden", to: "f/.git/config")
    #expect(try digest("f") == first)
    try workspace.folder.write("3", to: "f/sub/b")
    let second = try digest("f")
    #expect(second != first)
    try FileManager.default.moveItem(atPath: workspace.folder.path("f/a"), toPath: workspace.folder.path("f/c"))
    #expect(try digest("f") != second)
    // A link counts as what it leads to.
    try workspace.folder.write("1", to: "g/a")
    try workspace.folder.write("3", to: "elsewhere")
    try FileManager.default.createDirectory(atPath: workspace.folder.path("g/sub"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: workspace.folder.path("g/sub/b"), withDestinationPath: workspace.folder.path("elsewhere"))
    #expect(try digest("g") == second)
  }

  @Test func aFolderInsideItselfIsAnError() throws {
    try workspace.folder.write("1", to: "f/a")
    try FileManager.default.createSymbolicLink(
      atPath: workspace.folder.path("f/loop"), withDestinationPath: workspace.folder.path("f"))
    #expect(throws: SourceError.self) { try digest("f") }
  }

  @Test func anEditThatKeepsSizeAndTimeIsNoticed() throws {
    let path = try workspace.folder.write("aaaa", to: "file")
    Thread.sleep(forTimeInterval: 0.1)
    let before = try digest("file")
    #expect(try (FileSystem().read(workspace.store.path + "/digests.log") ?? []).isEmpty == false)
    let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.write(contentsOf: Data("bbbb".utf8))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: try #require(time)], ofItemAtPath: path)
    #expect(try digest("file") != before)
  }

  /// A file read in the tick in which it was written proves nothing: it may be written once more in that tick.
  @Test func aRacyFileIsReadAgain() throws {
    for round in 0..<40 {
      try workspace.folder.write("a\(round % 10)", to: "file")
      let first = try digest("file")
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: workspace.folder.path("file")))
      try handle.write(contentsOf: Data("b".utf8))
      try handle.close()
      #expect(try digest("file") != first)
    }
  }

  /// The rule by itself, since some kernels give every change that was looked at a time of its own.
  @Test func aStampProvesNothingWithinATickOfTheClock() throws {
    let path = try workspace.folder.write("abc", to: "file")
    var stamp = try #require(try FileSystem().status(path)?.stamp)
    stamp.changed = 1_000_000_000_123_456_789
    #expect(!stamp.isSettled(readFrom: stamp.changed))
    #expect(!stamp.isSettled(readFrom: stamp.changed + 50_000_000))
    #expect(stamp.isSettled(readFrom: stamp.changed + 50_000_001))
    let log = DigestLog(path: workspace.folder.path("log"), files: FileSystem(isDurable: false))
    let digest = Digest(of: Array("abc".utf8))
    log.remember(digest, for: stamp, readFrom: stamp.changed + 1000)
    #expect(log.digest(for: stamp) == nil)
    log.remember(digest, for: stamp, readFrom: stamp.changed + 60_000_000)
    #expect(log.digest(for: stamp) == digest)
    let reopened = DigestLog(path: workspace.folder.path("log"), files: FileSystem(isDurable: false))
    #expect(reopened.digest(for: stamp) == digest)
    // A clock of whole seconds may hide a change for longer.
    stamp.changed = 1_000_000_000_000_000_000
    #expect(!stamp.isSettled(readFrom: stamp.changed + 1_900_000_000))
    #expect(stamp.isSettled(readFrom: stamp.changed + 2_100_000_000))
  }

  @Test(arguments: [-62_167_219_200, -2_177_452_800, -1, 0, 4_102_444_800, 10_413_792_000, 15_032_385_535])
  func anyTimeOfAFileDoesNoHarm(seconds: Int) throws {
    let workspace = try ToyWorkspace()
    let path = try workspace.folder.write("one\n", to: "input.txt")
    var times = [timespec](repeating: timespec(tv_sec: seconds, tv_nsec: 999_999_999), count: 2)
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
    let text = "pipeline: p\nnodes:\n  b: {type: toy_file, from: DIR/input.txt}\noutputs: [b]\n"
    #expect(try workspace.run(text).state == .done)
    #expect(try workspace.run(text)["b"]?.state == .cached)
    // In the store too.
    for blob in try workspace.blobs() { #expect(utimensat(AT_FDCWD, blob, &times, 0) == 0) }
    _ = try GarbageCollection(grace: 0).collect(workspace.reopened())
    #expect(try workspace.run(text, store: workspace.reopened())["b"]?.state == .cached)
  }

  @Test(arguments: [(Int.min, -1), (-1, -1), (0, 0), (1, 1), (Int.max, 1)])
  func timesThatNoClockShowsKeepTheirOrder(seconds: Int, sign: Int) {
    let time = nanoseconds(timespec(tv_sec: seconds, tv_nsec: 0))
    #expect(Int(time.signum()) == sign)
    // The differences that an age is made of.
    #expect(!time.subtractingReportingOverflow(wallClock()).overflow)
    #expect(!wallClock().subtractingReportingOverflow(time).overflow)
  }

  @Test func aFutureTimeDoesNoHarm() throws {
    let path = try workspace.folder.write("aaaa", to: "file")
    let hour = Date(timeIntervalSinceNow: 3600)
    try FileManager.default.setAttributes([.modificationDate: hour], ofItemAtPath: path)
    Thread.sleep(forTimeInterval: 0.1)
    let before = try digest("file")
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.write(contentsOf: Data("bbbb".utf8))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: hour], ofItemAtPath: path)
    #expect(try digest("file") != before)
  }

  @Test func whatIsNotThereIsAnError() {
    let error = #expect(throws: SourceError.self) { try digest("nothing") }
    #expect(error?.problem == .missing)
  }
}
