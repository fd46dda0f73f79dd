import Diagnostics
import Foundation
import Pipeline
import Synchronization
import TestKit
import Testing

/// Copies of results in folders of the user's.
@Suite struct FolderViewTests {
  private let workspace: ToyWorkspace
  private let members: [Artefact.Member]

  init() throws {
    workspace = try ToyWorkspace()
    let summary = try workspace.run(
      "pipeline: p\nnodes:\n  a: {type: toy_text, text: first}\n  b: {type: toy_text, text: second}\n")
    let texts = ["a", "b"].compactMap { summary[$0]?.result?.outputs["text"]?.members.first?.blob }
    members = zip(["config.json", "parts/one"], texts).map { Artefact.Member(path: $0, blob: $1) }
  }

  private func view(_ files: FileSystem = FileSystem(isDurable: false)) -> FolderView {
    FolderView(store: workspace.reopened(files: files), project: workspace.folder.path("project"))
  }

  /// Everything below a folder, with the contents of files.
  private func tree(_ name: String) throws -> [String: String] {
    let root = workspace.folder.path(name)
    var found: [String: String] = [:]
    for path in (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? [] {
      if try FileSystem().status(root + "/" + path)?.kind == .file {
        found[path] = String(decoding: try FileSystem().read(root + "/" + path) ?? [], as: UTF8.self)
      } else {
        found[path] = "/"
      }
    }
    return found
  }

  @Test func makesAFolderThatIsNotThere() throws {
    try view().put(members, into: workspace.folder.path("deep/inside/out"), note: "n")
    #expect(
      try tree("deep")
        == [
          "inside": "/", "inside/out": "/", "inside/out/config.json": "first", "inside/out/parts": "/",
          "inside/out/parts/one": "second",
        ])
    #expect(
      try tree("project/.anneal") == [
        "views": "/", "views/n.json": try #require(try tree("project/.anneal")["views/n.json"]),
      ])
  }

  @Test func leavesTheUsersFilesAndTakesItsOwnAway() throws {
    try workspace.folder.write("mine", to: "out/README.md")
    let folder = workspace.folder.path("out")
    try view().put(members, into: folder, note: "n")
    try workspace.folder.write("FIRST", to: "out/config.json")
    try view().put(members, into: folder, note: "n")
    #expect(try tree("out")["config.json"] == "FIRST")
    try view().put([Artefact.Member(path: "other", blob: members[0].blob)], into: folder, note: "n")
    #expect(try tree("out") == ["README.md": "mine", "other": "first", "parts": "/"])
  }

  @Test func whateverFailsLeavesNothingBehind() throws {
    struct Fault: Error {}
    for isNew in [true, false] {
      let count = Mutex(0)
      let counting = FileSystem(isDurable: false) { _, _ in count.withLock { $0 += 1 } }
      let reference = isNew ? "new-reference" : "old-reference"
      if !isNew { try workspace.folder.write("mine", to: "\(reference)/mine") }
      try view(counting).put(members, into: workspace.folder.path(reference), note: reference, flushes: true)
      for step in 1...count.withLock({ $0 }) {
        let name = "\(isNew ? "new" : "old")-\(step)"
        if !isNew { try workspace.folder.write("mine", to: "\(name)/mine") }
        let seen = Mutex(0)
        let failing = FileSystem(isDurable: false) { change, _ in
          let now = seen.withLock { seen in
            seen += 1
            return seen
          }
          // Only the clearing up is let through.
          if now >= step, change != .remove { throw Fault() }
        }
        let path = workspace.folder.path(name)
        do { try view(failing).put(members, into: path, note: name, flushes: true) } catch is Fault {}
        let around = try FileSystem().names(in: workspace.folder.path)
        #expect(!around.contains { $0.hasPrefix(".anneal-partial-") }, "\(name)")
        let found = try tree(name)
        #expect(!found.keys.contains { $0.contains("partial") }, "\(name): \(found)")
        // A folder whose files are not all there does not load.
        if found["parts/one"] == nil { #expect(found["config.json"] == nil, "\(name): \(found)") }
      }
    }
  }

  @Test func clearsUpAfterKilledRuns() throws {
    let fields = ProcessTag.current.text.split(separator: "-")
    let dead = ".anneal-partial-\(uniqueName())-\(fields[0])-\(fields[1])-4194999-1"
    let living = ".anneal-partial-\(temporaryName())"
    for name in [dead, living] {
      for place in ["around/\(name)/file", "around/out/\(name)/file"] { try workspace.folder.write("x", to: place) }
    }
    try view().put(members, into: workspace.folder.path("around/out"), note: "n")
    for folder in ["around", "around/out"] {
      let names = try FileSystem().names(in: workspace.folder.path(folder))
      #expect(names.filter { $0.hasPrefix(".") } == [living])
    }
  }

  @Test func aFileIsNoFolder() throws {
    let path = try workspace.folder.write("mine", to: "out")
    let error = #expect(throws: SystemError.self) { try view().put(members, into: path, note: "n") }
    #expect(error?.diagnostics.first?.code == "not-a-folder")
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
  }

  @Test func aRottenBlobIsNotHandedOut() throws {
    try workspace.rot(workspace.blob(of: "second"))
    #expect(throws: StoreError.self) { try view().put(members, into: workspace.folder.path("out"), note: "n") }
    #expect(try tree("out") == [:])
  }
}
