import Foundation
import Glibc
import PreciseJSON
import Synchronization
import Threads

/// Takes leases, and keeps those of this process alive by touching their files from one thread.
package final class LeaseKeeper: Sendable {
  /// What a try to take a lease came to.
  package enum Outcome: Sendable {
    case taken(Lease)
    /// Somebody else works on it; nil when the file could not be read.
    case held(by: LeaseOwner?)
  }

  private struct Sighting {
    var stamp: FileStamp
    /// When the file was first seen with this stamp, by this machine's steady clock.
    var since: Double
  }

  private struct State {
    var held: Set<String> = []
    var seen: [String: Sighting] = [:]
    var isBeating = false
  }

  /// Seconds between two heartbeats.
  let interval: Double
  /// A lease without a heartbeat for this long is stale.
  ///
  /// The waiter measures it with its own clock from the moment it first saw the file unchanged, so clocks of two
  /// machines are never compared.
  let patience: Double
  private let store: Store
  private let state = Mutex(State())

  package init(store: Store, interval: Double = 3, missedBeats: Int = 5) {
    self.store = store
    self.interval = interval
    patience = interval * Double(missedBeats)
  }

  /// Tries once to take the lease of a key.
  /// - Throws: ``SystemError`` when leases cannot be written here.
  package func take(_ key: Digest) throws -> Outcome {
    let place = store.leasePlace(key)
    let owner = LeaseOwner.current()
    try store.makeFolder(above: place)
    let staged = try store.temporaryPath()
    try store.files.undurable.create(staged, Array(owner.json.text().utf8))
    // What stays of it is collected as garbage.
    defer { try? store.files.remove(staged) }
    for _ in 0..<2 {
      if try store.files.linkOnce(staged, to: place) {
        return .taken(Lease(place: place, owner: owner, keeper: self, files: store.files))
      }
      guard let status = try store.files.status(place, followsLinks: false) else { continue }
      guard status.kind == .file else {
        // A folder, a link or a pipe is nobody's lease.
        try removeStale(place, status.stamp)
        continue
      }
      let holder = try store.files.read(place, limit: 1 << 16).flatMap(LeaseOwner.init)
      guard isStale(place, status.stamp, holder) else { return .held(by: holder) }
      try removeStale(place, status.stamp)
    }
    return .held(by: nil)
  }

  private func isStale(_ place: String, _ stamp: FileStamp, _ holder: LeaseOwner?) -> Bool {
    if let holder, holder.isGone { return true }
    return state.withLock { state in
      if state.held.contains(place) { return false }
      let now = steadyClock()
      if let seen = state.seen[place], seen.stamp == stamp { return now - seen.since > patience }
      state.seen[place] = Sighting(stamp: stamp, since: now)
      return false
    }
  }

  /// Moves a stale lease away.
  ///
  /// Should it have been renewed in between, it is put back.
  private func removeStale(_ place: String, _ stamp: FileStamp) throws {
    let aside = try store.temporaryPath()
    guard rename(place, aside) == 0 else {
      if errno == ENOENT { return }
      throw SystemError("rename to", aside)
    }
    if let moved = try store.files.status(aside, followsLinks: false), moved.stamp.inode != stamp.inode {
      // Its holder works on without it when that fails: a lease saves work and protects nothing.
      _ = try? store.files.linkOnce(aside, to: place)
    }
    try store.files.removeTree(aside)
  }

  func add(_ place: String) {
    let starts = state.withLock { state in
      state.held.insert(place)
      defer { state.isBeating = true }
      return !state.isBeating
    }
    guard starts else { return }
    let code = startThread { [weak self] in Self.beat { self } }
    // Without heartbeats another process may do the same work too, which harms nothing; the next lease tries again.
    if code != 0 { state.withLock { $0.isBeating = false } }
  }

  func remove(_ place: String) { state.withLock { _ = $0.held.remove(place) } }

  /// Touches what is held until nothing is held any more.
  private static func beat(_ keeper: () -> LeaseKeeper?) {
    while let strong = keeper() {
      let held = strong.state.withLock { state in
        if state.held.isEmpty { state.isBeating = false }
        return state.held
      }
      if held.isEmpty { return }
      for place in held { strong.store.files.touch(place) }
      let pause = strong.interval
      Thread.sleep(forTimeInterval: pause)
    }
  }
}
