import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Synchronization
import TestKit
import Testing

/// Results that go from one store to another through a cache that both use.
@Suite("Remote caches") struct RemoteTests {
  private let workspace: ToyWorkspace
  private let other: ToyWorkspace
  private let cache: String

  init() throws {
    workspace = try ToyWorkspace()
    other = try ToyWorkspace()
    for one in [workspace, other] { try one.folder.write("one\ntwo\n", to: "input.txt") }
    cache = workspace.folder.path("cache")
  }

  private func remotes(writable: Bool = true) -> RemoteCaches {
    RemoteCaches([FolderRemote(path: cache, isWritable: writable, files: FileSystem(isDurable: false))])
  }

  /// The texts of a pipeline with the first workspace's files, whoever runs it.
  @discardableResult
  private func run(
    _ who: ToyWorkspace, _ remotes: RemoteCaches, _ text: String = chain, sinks: [any EventSink] = []
  ) throws -> RunSummary {
    try who.run(
      text.replacingOccurrences(of: "DIR", with: workspace.folder.path), store: who.reopened(), remotes: remotes,
      sinks: sinks)
  }

  @Test func anotherStoreRunsNothingAndGetsTheSameBytes() throws {
    let first = try run(workspace, remotes())
    _ = try workspace.executed()
    let second = try run(other, remotes(writable: false))
    #expect(second.state == .done)
    #expect(try other.executed() == [])
    #expect(second["end"]?.result?.digests == first["end"]?.result?.digests)
    #expect(try other.text(second, "end", store: other.reopened()) == workspace.text(first, "end"))
    // What was fetched is whole: without the cache nothing runs either.
    try FileManager.default.removeItem(atPath: cache)
    #expect(try run(other, RemoteCaches()).state == .done)
    #expect(try other.executed() == [])
  }

  @Test func aCacheThatIsOnlyReadGetsNothing() throws {
    try run(workspace, remotes(writable: false))
    #expect(!FileManager.default.fileExists(atPath: cache))
  }

  @Test func partsAreSharedOneByOne() throws {
    func parts(_ text: String) -> String {
      """
      pipeline: p
      nodes:
        lines: {type: toy_text, text: "\(text)"}
        parts: {type: toy_parts, of: lines, count_in: COUNT}
      """
    }
    _ = try run(workspace, remotes(), parts("a\\nb"))
    #expect(try workspace.executed() == ["parts", "parts"])
    _ = try run(other, remotes(), parts("a\\nb\\nc"))
    #expect(try other.executed() == ["parts"], "two of the three lines were known")
  }

  @Test func whatAPlanSaysIsWhatIsFetched() throws {
    try run(workspace, remotes())
    let pipeline = try other.pipeline(
      chain.replacingOccurrences(of: "DIR", with: workspace.folder.path), store: other.reopened())
    let plan = try Planner(store: other.reopened(), remotes: remotes()).plan(pipeline)
    #expect(plan.willRun.isEmpty && plan.mayRun.isEmpty && plan.cached.isEmpty)
    #expect(plan.fetched.count == plan.nodes.count)
    #expect(plan.fetched.allSatisfy { $0.missingBytes > 0 })
    #expect(try other.blobs().isEmpty, "a plan fetches nothing")
  }

  /// Every file of the cache, damaged in its own way: what cannot be used is made again, and put there anew.
  @Test(arguments: ["flipped", "cut", "gone", "longer", "a folder"])
  func aCacheThatLiesCostsTimeAndNoResult(damage: String) throws {
    let first = try run(workspace, remotes())
    let files = try FileManager.default.subpathsOfDirectory(atPath: cache).map { cache + "/" + $0 }.filter {
      try FileSystem().status($0)?.kind == .file
    }
    #expect(files.count >= 8)
    for file in files {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      try FileManager.default.removeItem(atPath: file)
      switch damage {
      case "flipped":
        var changed = bytes
        if !changed.isEmpty { changed[changed.count / 2] ^= 1 }
        try changed.write(to: URL(fileURLWithPath: file))
      case "cut": try bytes.dropLast().write(to: URL(fileURLWithPath: file))
      case "longer": try (bytes + [0]).write(to: URL(fileURLWithPath: file))
      case "a folder": try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
      default: break
      }
      let reader = try ToyWorkspace()
      let summary = try run(reader, remotes())
      #expect(summary.state == .done)
      #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests)
      if damage == "a folder" { try FileManager.default.removeItem(atPath: file) }
      // It was put there anew, so the next one runs nothing.
      let next = try ToyWorkspace()
      _ = try run(next, remotes())
      if damage != "a folder" {
        #expect(try next.executed() == [], "\(damage) \(file)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
      }
    }
  }

  @Test func aCacheThatFailsIsLeftAloneAndSaidSo() throws {
    let broken = BrokenRemote()
    let events = EventCollector()
    let summary = try run(workspace, RemoteCaches([broken]), sinks: [events])
    #expect(summary.state == .done)
    #expect(broken.asked <= 4, "it is asked three times")
    #expect(events.events.contains { if case .notShared = $0 { true } else { false } })
  }

  @Test func theFirstCacheThatHasAResultGivesIt() throws {
    try run(workspace, remotes())
    let empty = FolderRemote(path: workspace.folder.path("empty"), isWritable: true)
    let events = EventCollector()
    _ = try run(
      other, RemoteCaches([empty, FolderRemote(path: cache, isWritable: false)]), sinks: [events])
    let names = events.events.compactMap { if case .nodeFetched(_, _, let cache) = $0 { cache } else { nil } }
    #expect(Set(names) == [cache])
    #expect(!names.isEmpty)
  }
}

/// A cache that cannot be reached.
private final class BrokenRemote: RemoteCache {
  private let count = Mutex(0)
  var asked: Int { count.withLock { $0 } }
  let name = "broken"
  let isWritable = true
  let width = 1
  var json: JSON { .null }

  private func fail() -> SystemError {
    count.withLock { $0 += 1 }
    return SystemError("reach", "broken", code: 5)
  }

  func holds(_ area: RemoteArea, _ digest: Digest, size: Int?, _ transfer: RemoteTransfer) throws -> Bool {
    throw fail()
  }
  func fetch(
    _ area: RemoteArea, _ digest: Digest, into file: ReceivedFile, limit: Int, _ transfer: RemoteTransfer
  ) throws -> Bool { throw fail() }
  func keep(_ area: RemoteArea, _ digest: Digest, from path: String, _ transfer: RemoteTransfer) throws { throw fail() }
}
