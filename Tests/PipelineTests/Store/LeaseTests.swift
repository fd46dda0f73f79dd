import Foundation
import Pipeline
import TestKit
import Testing

@Suite struct LeaseTests {
  private let workspace: ToyWorkspace
  private let key = Digest(of: Array("a key".utf8))

  init() throws { workspace = try ToyWorkspace() }

  private var place: String { "\(workspace.store.path)/leases/\(key.hex)" }

  @Test func oneHolderAtATime() throws {
    let first = LeaseKeeper(store: workspace.store, interval: 0.05)
    let second = LeaseKeeper(store: workspace.store, interval: 0.05)
    guard case .taken(let lease) = try first.take(key) else { throw ToyError(text: "not taken") }
    for _ in 0..<8 {
      guard case .held(let owner) = try second.take(key) else { throw ToyError(text: "taken twice") }
      #expect(owner?.process == Int(getpid()))
      Thread.sleep(forTimeInterval: 0.06)
    }
    lease.release()
    guard case .taken = try second.take(key) else { throw ToyError(text: "not given back") }
  }

  /// Somebody who is not there to beat any more.
  private func abandoned(host: String? = nil, process: Int? = nil, boot: String? = nil) throws {
    var owner = LeaseOwner.current()
    owner.host = host ?? owner.host
    owner.process = process ?? owner.process
    owner.boot = boot ?? owner.boot
    let json = """
      {"host":"\(owner.host)","boot":"\(owner.boot)","space":"\(owner.space)","process":\(owner.process),\
      "started":"\(owner.started)","nonce":"other"}
      """
    try workspace.folder.write(json, to: "store/leases/\(key.hex)")
  }

  @Test func aDeadProcessHoldsNothing() throws {
    try abandoned(process: 4_194_999)
    let keeper = LeaseKeeper(store: workspace.store, interval: 60)
    guard case .taken = try keeper.take(key) else { throw ToyError(text: "not taken over") }
  }

  @Test func aRestartedMachineHoldsNothing() throws {
    try abandoned(boot: "another")
    let keeper = LeaseKeeper(store: workspace.store, interval: 60)
    guard case .taken = try keeper.take(key) else { throw ToyError(text: "not taken over") }
  }

  @Test func anotherMachineIsGivenTimeForItsHeartbeat() throws {
    try abandoned(host: "far-away")
    let keeper = LeaseKeeper(store: workspace.store, interval: 0.1, missedBeats: 3)
    guard case .held(let owner) = try keeper.take(key) else { throw ToyError(text: "taken too early") }
    #expect(owner?.host == "far-away")
    // One beat starts the wait anew.
    Thread.sleep(forTimeInterval: 0.2)
    FileSystem().touch(place)
    guard case .held = try keeper.take(key) else { throw ToyError(text: "taken too early") }
    Thread.sleep(forTimeInterval: 0.2)
    guard case .held = try keeper.take(key) else { throw ToyError(text: "taken too early") }
    Thread.sleep(forTimeInterval: 0.3)
    guard case .taken = try keeper.take(key) else { throw ToyError(text: "not taken over") }
  }

  @Test func aDamagedLeaseExpiresLikeASilentOne() throws {
    try workspace.folder.write("no JSON at all", to: "store/leases/\(key.hex)")
    let keeper = LeaseKeeper(store: workspace.store, interval: 0.05, missedBeats: 2)
    guard case .held(nil) = try keeper.take(key) else { throw ToyError(text: "taken too early") }
    Thread.sleep(forTimeInterval: 0.2)
    guard case .taken = try keeper.take(key) else { throw ToyError(text: "not taken over") }
  }

  /// What happens to a process that was paused for longer than its lease lives.
  @Test func anAttemptThatLostItsLeaseTakesTheOthersResult() throws {
    func pipeline(_ fields: String) -> String {
      """
      pipeline: p
      nodes:
        a: {type: toy_fail, message: made, attempts: DIR/attempts, \(fields)}
      outputs: [a]
      """
    }
    let workspace = try ToyWorkspace()
    let slowly = pipeline("failures: 9, pause: 1.5")
    // Read when the thread that writes it is done.
    nonisolated(unsafe) var slow: RunSummary?
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      slow = try? workspace.run(slowly)
      done.signal()
    }
    let files = FileSystem()
    let leases = workspace.store.path + "/leases"
    func lease() throws -> String? { try files.names(in: leases).first.map { "\(leases)/\($0)" } }
    let end = Date(timeIntervalSinceNow: 10)
    while try lease() == nil, Date() < end { Thread.sleep(forTimeInterval: 0.01) }
    try files.remove(try #require(try lease()))
    let other = try workspace.run(pipeline("failures: 0"), store: workspace.reopened())
    #expect(other.state == .done)
    done.wait()
    let summary = try #require(slow)
    #expect(summary["a"]?.state == .cached, "\(summary.nodes.flatMap(\.problems))")
    #expect(summary["a"]?.result?.digests == other["a"]?.result?.digests)
  }

  @Test func twoSchedulersInOneProcessShareTheWork() throws {
    try workspace.folder.write("x", to: "input.txt")
    let text = """
      pipeline: shared
      nodes:
        a: {type: toy_file, from: DIR/input.txt, count_in: COUNT}
        b: {type: toy_join, parts: [a], pause: 0.3, count_in: COUNT}
        c: {type: toy_join, parts: [b, a], pause: 0.2, count_in: COUNT}
      outputs: [c]
      """
    let other = workspace.reopened()
    let workspace = workspace
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      _ = try? workspace.run(text, store: other)
      done.signal()
    }
    let summary = try workspace.run(text)
    done.wait()
    #expect(summary.state == .done)
    #expect(try workspace.executed().sorted() == ["a", "b", "c"])
  }
}
