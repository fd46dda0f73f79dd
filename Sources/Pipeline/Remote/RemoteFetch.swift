import Synchronization
import Threads

/// Brings one result from a remote cache into the store.
struct RemoteFetch {
  /// How much of a result has come, and how much there is to come, in bytes.
  typealias Progress = @Sendable (_ come: Int, _ all: Int) -> Void

  private let cache: any RemoteCache
  private let trust: RemoteTrust
  private let store: Store
  private let stop: Cancellation?

  init(_ cache: any RemoteCache, _ trust: RemoteTrust, _ store: Store, stop: Cancellation?) {
    self.cache = cache
    self.trust = trust
    self.store = store
    self.stop = stop
  }

  /// The entry under a key; nil where the cache has none.
  ///
  /// - Throws: ``RemoteError/damagedEntry(_:)``, ``RemoteTrust/Doubt``.
  func entry(_ key: Digest) throws -> ActionResult? {
    let file = try ReceivedFile(LocalFailure.mark { try store.temporaryPath() }, files: store.files)
    defer { file.discard() }
    guard try cache.fetch(.results, key, into: file, limit: ActionResult.limit, RemoteTransfer(stop: stop)) else {
      return nil
    }
    _ = try file.finish()
    let bytes = try LocalFailure.mark { try store.files.read(file.path, limit: ActionResult.limit) }
    guard let bytes, let found = ActionResult(bytes, for: key) else { throw RemoteError.damagedEntry(key) }
    try trust.check(found, bytes, for: key)
    return found
  }

  /// - Returns: The result that now stands under the key; nil where the cache has none.
  func result(_ key: Digest, flushes: Bool, progress: @escaping Progress) throws -> StoredResult? {
    guard let found = try entry(key) else { return nil }
    let wanted = try Set(found.files.map(\.blob)).sorted { $0.digest < $1.digest }.filter { blob in
      if case .good = try LocalFailure.mark({ try store.state(of: blob) }) { false } else { true }
    }
    let all = wanted.reduce(0) { $0 + $1.size }
    let come = Counter()
    let transfer = RemoteTransfer(stop: stop) { bytes in progress(come.add(bytes), all) }
    let taken = Mutex<[Digest: String]>([:])
    var blobs = StagedBlobs(store: store)
    do {
      try forEach(wanted, atOnce: cache.width) { blob in
        let path = try take(blob, transfer)
        taken.withLock { $0[blob.digest] = path }
      }
      let paths = taken.withLock { $0 }
      for blob in wanted {
        guard let path = paths[blob.digest] else { continue }
        try LocalFailure.mark { try blobs.add(file: path, as: blob) }
      }
    } catch {
      for path in taken.withLock({ $0.values }) { try? store.files.remove(path) }
      throw error
    }
    return try LocalFailure.mark { try store.take(found, key, blobs, flushes: flushes) }
  }

  /// The path of a new file with the bytes of a blob.
  private func take(_ blob: BlobReference, _ transfer: RemoteTransfer) throws -> String {
    let file = try ReceivedFile(LocalFailure.mark { try store.temporaryPath() }, files: store.files)
    do {
      // Nothing is there by definition, and by Bazel's rules nobody sends it.
      let isThere = try blob.size == 0 || cache.fetch(.blobs, blob.digest, into: file, limit: blob.size, transfer)
      guard isThere else { throw RemoteError.missingBlob(blob) }
      guard try file.finish() == blob else { throw RemoteError.damagedBlob(blob) }
      return file.path
    } catch {
      file.discard()
      throw error
    }
  }
}

/// A number that several threads add to.
private final class Counter: Sendable {
  private let value = Atomic(0)

  func add(_ number: Int) -> Int { value.add(number, ordering: .relaxed).newValue }
}

extension Store {
  /// Publishes an entry that was made elsewhere, once its blobs are there.
  ///
  /// - Throws: ``RemoteError/damagedEntry(_:)`` for one that its manifests contradict.
  func take(_ entry: ActionResult, _ key: Digest, _ blobs: StagedBlobs, flushes: Bool) throws -> StoredResult {
    // Without an entry nobody looks at them; what is wrong then is collected as garbage.
    try blobs.moveIn(flushes: flushes, with: [])
    guard let result = try assemble(entry, key) else { throw RemoteError.damagedEntry(key) }
    switch try publish(result, StagedBlobs(store: self), flushes: flushes, with: [], replaces: false) {
    case .published, .known, .replaced: return result
    case .differs(let first): return first
    }
  }
}
