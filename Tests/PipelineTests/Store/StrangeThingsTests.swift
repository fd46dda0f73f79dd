import Diagnostics
import Foundation
import Pipeline
import TestKit
import Testing

/// What stands where a file of the store should be: it heals like damage, and nothing waits for it.
@Suite struct StrangeThingsTests {
  enum Thing: CaseIterable {
    case folder
    case pipe
    case loop
    case link

    func put(at path: String) throws {
      let manager = FileManager.default
      try manager.removeItem(atPath: path)
      switch self {
      case .folder:
        try manager.createDirectory(atPath: path + "/inner", withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/inner/file"))
      case .pipe: mkfifo(path, 0o644)
      case .loop: try manager.createSymbolicLink(atPath: path, withDestinationPath: path)
      case .link: try manager.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere/at/all")
      }
    }
  }

  @Test(.timeLimit(.minutes(2)), arguments: Thing.allCases)
  func healsInPlaceOfAnyFile(thing: Thing) throws {
    let workspace = try ToyWorkspace()
    try workspace.folder.write("one\ntwo\n", to: "input.txt")
    let first = try workspace.run(chain)
    Thread.sleep(forTimeInterval: 0.1)
    try workspace.run(chain, store: workspace.reopened())
    let root = workspace.store.path
    let files = try FileManager.default.subpathsOfDirectory(atPath: root).map { root + "/" + $0 }
      .filter { (try? FileSystem().status($0)?.kind) == .file }
    #expect(files.count > 25)
    for file in files {
      try thing.put(at: file)
      let store = workspace.reopened()
      // Looking changes nothing and does not fail.
      _ = try store.statistics()
      _ = try store.results()
      _ = try GarbageCollection().mark(store)
      let summary = try workspace.run(chain, store: store)
      #expect(summary.state == .done, "\(file): \(summary.nodes.flatMap(\.problems))")
      #expect(summary["end"]?.result?.digests == first["end"]?.result?.digests)
      #expect(try workspace.reopened().verify().isSound, "\(file)")
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: Thing.allCases)
  func nobodyHoldsALeaseLikeThat(thing: Thing) throws {
    let workspace = try ToyWorkspace()
    let key = Digest(of: "a key".utf8)
    try thing.put(at: try workspace.folder.write("", to: "store/leases/\(key.hex)"))
    let keeper = LeaseKeeper(store: workspace.store, interval: 60)
    guard case .taken = try keeper.take(key) else { throw ToyError(text: "not taken") }
  }

  @Test(.timeLimit(.minutes(1))) func aPipeIsNoSource() throws {
    let workspace = try ToyWorkspace()
    mkfifo(workspace.folder.path("input"), 0o644)
    let text = "pipeline: p\nnodes:\n  a: {type: toy_file, from: DIR/input}\n"
    let error = #expect(throws: (any Error).self) { try workspace.run(text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("it is no file but a pipe, a socket or a device"))
  }

  @Test func namesThatAreNotTextAreNamed() throws {
    let folder = try TemporaryFolder()
    let name: [CChar] = Array((folder.path + "/bad-").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
    close(open(name, O_CREAT | O_WRONLY, 0o644))
    let error = #expect(throws: SystemError.self) { try FileSystem().names(in: folder.path) }
    #expect(
      error?.diagnostics.first?.summary == "Cannot list `\(folder.path)/bad-\u{FFFD}`: the name is not UTF-8 text")
  }
}
