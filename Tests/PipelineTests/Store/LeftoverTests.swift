import Foundation
import Pipeline
import Synchronization
import TestKit
import Testing

/// What killed runs leave behind: told apart from what is being written, and collected at once.
@Suite struct LeftoverTests {
  private let workspace: ToyWorkspace

  init() throws { workspace = try ToyWorkspace() }

  /// A temporary name as a process gives it that is gone: this machine has no process of that number.
  private var deadName: String {
    let fields = ProcessTag.current.text.split(separator: "-")
    return "\(uniqueName())-\(fields[0])-\(fields[1])-4194999-\(fields[3])"
  }

  @Test func tagsTellWhoLives() {
    #expect(ProcessTag(endOf: temporaryName())?.isGone == false)
    #expect(ProcessTag(endOf: deadName)?.isGone == true)
    let fields = ProcessTag.current.text.split(separator: "-")
    // The same number was given to another process; the machine was started again; it is another machine.
    #expect(ProcessTag(endOf: "\(fields[0])-\(fields[1])-\(fields[2])-1")?.isGone == true)
    #expect(ProcessTag(endOf: "\(fields[0])-00000000-\(fields[2])-\(fields[3])")?.isGone == true)
    #expect(ProcessTag(endOf: "00000000-\(fields[1])-4194999-1")?.isGone == false)
    for name in ["", uniqueName(), "a-b-c-d", "model-00001-of-00002"] { #expect(ProcessTag(endOf: name) == nil) }
  }

  @Test func theDeadAreCountedApartAndCollectedAtOnce() throws {
    try workspace.run("pipeline: p\nnodes:\n  a: {type: toy_text, text: x}\n")
    let large = try workspace.folder.write(String(repeating: "x", count: 1 << 20), to: "large")
    let (dead, living, foreign) = (deadName, temporaryName(), uniqueName())
    for name in [dead, living, foreign] {
      try workspace.folder.write("four", to: "store/tmp/\(name)/file")
      try FileManager.default.createSymbolicLink(
        atPath: workspace.store.path + "/tmp/\(name)/link", withDestinationPath: large)
    }
    try FileManager.default.createSymbolicLink(
      atPath: workspace.store.path + "/tmp/\(dead)/loop", withDestinationPath: "loop")
    let found = try workspace.store.statistics()
    #expect(found.leftovers == 1)
    #expect(found.leftoverSize == 4)
    #expect(found.temporarySize == 8)
    // Even what has not been touched for days belongs to a process that lives.
    let old = Date(timeIntervalSinceNow: -5 * 86_400)
    for path in ["", "/file"] {
      try FileManager.default.setAttributes(
        [.modificationDate: old], ofItemAtPath: workspace.store.path + "/tmp/\(living)\(path)")
    }
    let removed = try GarbageCollection(grace: 3600).collect(workspace.store)
    #expect(removed.others == [workspace.store.path + "/tmp/\(dead)"])
    #expect(try FileSystem().names(in: workspace.store.path + "/tmp") == [living, foreign].sorted())
    #expect(FileManager.default.fileExists(atPath: large))
  }

  /// What a program may leave: names that are no text, folders that nobody may enter or change.
  private func litter(_ folder: String) throws {
    for place in ["\(folder)/shut/inner", "\(folder)/readonly"] {
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    }
    try Data("four".utf8).write(to: URL(fileURLWithPath: folder + "/readonly/file"))
    let name: [CChar] = Array((folder + "/readonly/bad-").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
    #expect(mkdir(name, 0o755) == 0)
    chmod(folder + "/readonly", 0o555)
    chmod(folder + "/shut", 0)
  }

  @Test func whatProgramsLeaveIsCountedAndRemoved() throws {
    try workspace.run("pipeline: p\nnodes:\n  a: {type: toy_text, text: x}\n")
    let (dead, living) = (deadName, temporaryName())
    for name in [dead, living] { try litter(workspace.store.path + "/tmp/\(name)/scratch") }
    let found = try workspace.store.statistics()
    #expect(found.leftovers == 1 && found.leftoverSize == 4 && found.temporarySize == 4)
    let planned = try GarbageCollection().mark(workspace.store)
    #expect(planned.others.count == 1)
    let changes = Mutex<[String]>([])
    let files = FileSystem(isDurable: false) { change, path in
      if change == .protect { changes.withLock { $0.append(path) } }
    }
    let removed = try GarbageCollection().collect(workspace.reopened(files: files))
    #expect(removed.others == [workspace.store.path + "/tmp/\(dead)"] && removed.refused.isEmpty)
    #expect(try FileSystem().names(in: workspace.store.path + "/tmp") == [living])
    // Root may do without; others may not.
    let scratch = workspace.store.path + "/tmp/\(dead)/scratch"
    #expect(changes.withLock { $0 } == ["\(scratch)/readonly", "\(scratch)/shut"])
    chmod(workspace.store.path + "/tmp/\(living)/scratch/shut", 0o755)
  }

  @Test func whatCannotBeRemovedIsNamedAndPassedOver() throws {
    for text in ["one", "two"] { try workspace.run("pipeline: p\nnodes:\n  a: {type: toy_text, text: \(text)}\n") }
    let dead = workspace.store.path + "/tmp/\(deadName)"
    try FileManager.default.createDirectory(atPath: dead, withIntermediateDirectories: true)
    let files = FileSystem(isDurable: false) { change, path in
      if change == .remove, path == dead { throw SystemError("remove", path, code: EACCES) }
    }
    Thread.sleep(forTimeInterval: 0.05)
    let removed = try GarbageCollection(keptRuns: 1, grace: 0).collect(workspace.reopened(files: files))
    #expect(removed.refused.map(\.path) == [dead] && removed.results.count == 1)
  }

  @Test func aKilledProcessesFilesAreItsOwn() throws {
    let program = try #require(toyEngine(), "the program `ToyEngine` was not built")
    try workspace.write(
      pipeline: "pipeline: p\nnodes:\n  a: {type: toy_text, text: x}\n  b: {type: toy_join, parts: [a], pause: 30}\n")
    let run = try ToyProcess(workspace, program: program)
    let tmp = workspace.store.path + "/tmp"
    for _ in 0..<500 {
      if try FileSystem().names(in: tmp).contains(where: { name in
        FileManager.default.fileExists(atPath: "\(tmp)/\(name)/out")
          || FileManager.default.fileExists(
            atPath: "\(tmp)/\(name)")
      }), try workspace.store.results().count == 1 {
        break
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    Thread.sleep(forTimeInterval: 0.1)
    #expect(try GarbageCollection(grace: 0).collect(workspace.reopened()).others.isEmpty)
    kill(run.process.processIdentifier, SIGKILL)
    _ = run.end()
    #expect(try workspace.reopened().statistics().leftovers >= 1)
    Thread.sleep(forTimeInterval: 0.05)
    // The lease of the dead holds nothing either.
    let removed = try GarbageCollection(keptRuns: 0, grace: 0).collect(workspace.reopened())
    #expect(removed.others.contains { $0.contains("/leases/") })
    #expect(try FileSystem().names(in: tmp) == [])
    #expect(try workspace.reopened().statistics().leftovers == 0)
  }

  @Test func aDeadLeaseHoldsNoResult() throws {
    let summary = try workspace.run("pipeline: p\nnodes:\n  a: {type: toy_text, text: x}\n")
    let key = try #require(summary["a"]?.key)
    let place = workspace.store.path + "/leases/\(key.hex)"
    var owner = LeaseOwner.current()
    func collect() throws -> Int {
      let json = """
        {"host":"\(owner.host)","boot":"\(owner.boot)","space":"\(owner.space)","process":\(owner.process),\
        "started":"\(owner.started)","nonce":"other"}
        """
      try workspace.folder.write(json, to: "store/leases/\(key.hex)")
      Thread.sleep(forTimeInterval: 0.05)
      return try GarbageCollection(keptRuns: 0, grace: 0).mark(workspace.reopened()).results.count
    }
    #expect(try collect() == 0)
    owner.host = "far-away"
    #expect(try collect() == 0)
    var silent = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
    utimensat(AT_FDCWD, place, &silent, 0)
    #expect(try GarbageCollection(keptRuns: 0, grace: 0).mark(workspace.reopened()).results.count == 1)
    owner = LeaseOwner.current()
    owner.process = 4_194_999
    #expect(try collect() == 1)
  }
}
