import PreciseJSON

/// Removes from a store what no recent run used.
///
/// Kept are: the results that the last runs of every pipeline of every project used (with their parts), and those that go on,
/// what is pinned, what somebody is working on, unfinished work, and everything young: a blob becomes visible before the entry that
/// needs it, and an entry before the run that used it is noted, so nothing is removed before its grace period is over.
/// A collection that still removes what a run is about to use costs that run time, not correctness: the run makes it
/// again.
package struct GarbageCollection: Sendable {
  /// Runs of each pipeline of each project whose results stay.
  package var keptRuns = 10
  /// Seconds for which nothing is removed after it was made or used.
  package var grace = 3600.0
  /// Seconds after which unfinished work is given up.
  package var checkpointAge = 30.0 * 86_400
  /// Seconds after which files whose headers were seen are looked at again, should they still be there.
  package var facetAge = 30.0 * 86_400
  /// Seconds after which a half-written file belongs to a dead process, where its name does not tell.
  package var temporaryAge = 86_400.0
  /// Seconds without a heartbeat after which a lease holds nothing; those of living processes beat every few seconds.
  package var leaseAge = 600.0

  package init(keptRuns: Int = 10, grace: Double = 3600, checkpointAge: Double = 30 * 86_400) {
    self.keptRuns = keptRuns
    self.grace = grace
    self.checkpointAge = checkpointAge
  }

  /// What is to be removed.
  package struct Candidates: Sendable {
    package var results: [Digest] = []
    package var blobs: [BlobReference] = []
    package var references: [Digest] = []
    package var planEntries: [Digest] = []
    /// Paths of what killed runs left behind, unfinished work, leases of the dead, and notes of old runs and of headers
    /// seen long ago.
    package var others: [String] = []
    /// Bytes that become free.
    package var size = 0
    /// What could not be looked at or removed, and stays.
    package var refused: [SystemError] = []
    /// What stays.
    package var keptResults = 0
    package var keptBlobs = 0
  }

  /// The first phase: finds what could be removed.
  ///
  /// Changes nothing.
  package func mark(_ store: Store) throws -> Candidates {
    let now = wallClock()
    let files = store.files
    func isYoung(_ path: String) throws -> Bool {
      guard let stamp = try files.status(path, followsLinks: false)?.stamp else { return true }
      return Double(now - max(stamp.modified, stamp.changed)) / 1e9 < grace
    }
    var found = Candidates()
    let (keys, old) = try rootKeys(store, now: now)
    found.others += try old.filter { try !isYoung($0) }
    var alive = keys
    var queue = Array(keys)
    var needed: Set<Digest> = []
    // Young results keep their parts too, so they are walked like roots.
    for key in try store.listing("ac") where try !alive.contains(key) && isYoung(store.resultPlace(key)) {
      alive.insert(key)
      queue.append(key)
    }
    while let key = queue.popLast() {
      guard let entry = try store.entry(for: key), let entry else { continue }
      for file in entry.files { needed.insert(file.blob.digest) }
      for part in try store.parts(of: entry) where alive.insert(part).inserted { queue.append(part) }
    }
    for key in try store.listing("ac") where !alive.contains(key) { found.results.append(key) }
    found.keptResults = try store.listing("ac").count - found.results.count
    for blob in try store.listing("cas") {
      let place = store.blobPlace(blob)
      guard try !needed.contains(blob) && !isYoung(place),
        let size = try files.status(place, followsLinks: false)?.stamp.size
      else {
        found.keptBlobs += 1
        continue
      }
      found.blobs.append(BlobReference(digest: blob, size: size))
      found.size += size
    }
    for blob in try store.listing("refs") where try !needed.contains(blob) && !isYoung(store.referencePlace(blob)) {
      found.references.append(blob)
    }
    for plan in try store.listing("plan") where try !isYoung(store.planPlace(plan)) {
      if let entry = store.planEntry(for: plan), alive.contains(entry.actionKey) { continue }
      found.planEntries.append(plan)
    }
    try markLeftovers(store, &found, now: now, isYoung)
    return found
  }

  /// The second phase: removes what the first one found, unless it was touched since.
  /// - Returns: What was removed.
  package func sweep(_ store: Store, _ candidates: Candidates, markedAt mark: Int64) throws -> Candidates {
    func isUntouched(_ path: String) throws -> Bool {
      guard let stamp = try store.files.status(path, followsLinks: false)?.stamp else { return false }
      return max(stamp.modified, stamp.changed) < mark
    }
    var removed = Candidates(keptResults: candidates.keptResults, keptBlobs: candidates.keptBlobs)
    for key in candidates.results where try isUntouched(store.resultPlace(key)) {
      try store.files.remove(store.resultPlace(key))
      removed.results.append(key)
    }
    // Entries published since the mark may need a blob that nothing needed then.
    var needed: Set<Digest> = []
    for key in try store.listing("ac") {
      if let entry = try store.entry(for: key), let entry { needed.formUnion(entry.files.map(\.blob.digest)) }
    }
    for blob in candidates.blobs
    where try !needed.contains(blob.digest) && isUntouched(store.blobPlace(blob.digest)) {
      try store.files.remove(store.blobPlace(blob.digest))
      removed.blobs.append(blob)
      removed.size += blob.size
    }
    for blob in candidates.references where try !needed.contains(blob) && isUntouched(store.referencePlace(blob)) {
      try store.files.remove(store.referencePlace(blob))
      removed.references.append(blob)
    }
    for plan in candidates.planEntries where try isUntouched(store.planPlace(plan)) {
      try store.files.remove(store.planPlace(plan))
      removed.planEntries.append(plan)
    }
    for path in candidates.others where try isUntouched(path) || isOfTheDead(path) {
      let tree = store.files.tree(path)
      do { try store.files.removeTree(path) } catch let error as SystemError {
        removed.refused.append(error)
        continue
      }
      removed.size += tree.size
      removed.others.append(path)
    }
    let told = Set(removed.refused)
    removed.refused += candidates.refused.filter { error in
      !told.contains(error) && !removed.others.contains { liesIn(error.path, $0) }
    }
    return removed
  }

  private func isOfTheDead(_ path: String) -> Bool {
    path.split(separator: "/").last.flatMap { ProcessTag(endOf: String($0)) }?.isGone ?? false
  }

  /// Both phases.
  package func collect(_ store: Store) throws -> Candidates {
    let start = wallClock()
    return try sweep(store, try mark(store), markedAt: start)
  }

  /// The keys that are kept whatever their age, and the paths of notes that keep nothing any more.
  private func rootKeys(_ store: Store, now: Int64) throws -> (keys: Set<Digest>, old: [String]) {
    var keys = Set(try store.pins())
    var old: [String] = []
    for key in try store.files.names(in: store.path + "/leases").compactMap(Digest.init(hex:)) {
      if try isHeld(store, key, now: now) { keys.insert(key) } else { old.append(store.leasePlace(key)) }
    }
    var counts: [Store.RootHeader?: Int] = [:]
    for root in try store.roots() {
      // What goes on is no past run, and needs what it has used so far.
      if root.isRunning {
        keys.formUnion(root.keys)
        continue
      }
      counts[root.header, default: 0] += 1
      if counts[root.header, default: 0] <= keptRuns {
        keys.formUnion(root.keys)
      } else {
        old.append(store.rootPlace(root.name))
      }
    }
    return (keys, old)
  }

  /// Whether somebody works on a key: a lease whose process may live, and has shown it lately.
  private func isHeld(_ store: Store, _ key: Digest, now: Int64) throws -> Bool {
    let place = store.leasePlace(key)
    guard let status = try store.files.status(place, followsLinks: false), status.kind == .file,
      Double(now - status.stamp.modified) / 1e9 < leaseAge, let bytes = try store.files.read(place)
    else { return false }
    return !(LeaseOwner(bytes)?.isGone ?? false)
  }

  private func markLeftovers(
    _ store: Store, _ found: inout Candidates, now: Int64, _ isYoung: (String) throws -> Bool
  ) throws {
    func idle(_ path: String) -> Double {
      let tree = store.files.tree(path)
      found.refused += tree.unseen
      return Double(now - tree.newest) / 1e9
    }
    for name in try store.files.names(in: store.path + "/tmp") {
      let path = store.path + "/tmp/" + name
      // Nobody will go on with what a dead process was writing: no grace is due.
      if let maker = ProcessTag(endOf: name) {
        if maker.isGone { found.others.append(path) }
        if maker.isOfThisMachine { continue }
      }
      if idle(path) > max(grace, temporaryAge) { found.others.append(path) }
    }
    for name in try store.files.names(in: store.path + "/checkpoints") {
      let path = store.path + "/checkpoints/" + name
      let age = idle(path)
      let isFinished = try Digest(hex: name).map { try store.entry(for: $0) != nil } ?? true
      if age > checkpointAge || (isFinished && age > grace) { found.others.append(path) }
    }
    for key in try store.listing("facets") {
      let path = store.facetPlace(key)
      if idle(path) > max(grace, facetAge) { found.others.append(path) }
    }
    for path in found.others { found.size += store.files.tree(path).size }
  }
}
