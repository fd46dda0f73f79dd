/// Something that failed in the store while a result was brought into it: no fault of the remote cache.
struct LocalFailure: Error {
  var error: any Error

  /// Marks what `body` throws as the store's own.
  static func mark<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as RemoteError { throw error } catch { throw LocalFailure(error: error) }
  }
}

/// Brings one result from a remote cache into the store.
struct RemoteFetch {
  private let cache: any RemoteCache
  private let store: Store

  init(_ cache: any RemoteCache, _ store: Store) {
    self.cache = cache
    self.store = store
  }

  /// The entry under a key; nil where the cache has none.
  ///
  /// - Throws: ``RemoteError/damagedEntry(_:)``.
  func entry(_ key: Digest) throws -> ActionResult? {
    let entry = try LocalFailure.mark { try store.temporaryPath() }
    defer { try? store.files.remove(entry) }
    guard try cache.fetch(.results, key, into: entry, limit: ActionResult.limit) else { return nil }
    let bytes = try LocalFailure.mark { try store.files.read(entry, limit: ActionResult.limit) }
    guard let bytes, let found = ActionResult(bytes, for: key) else { throw RemoteError.damagedEntry(key) }
    return found
  }

  /// - Returns: The result that now stands under the key; nil where the cache has none.
  func result(_ key: Digest, flushes: Bool) throws -> StoredResult? {
    guard let found = try entry(key) else { return nil }
    var blobs = StagedBlobs(store: store)
    do {
      for blob in Set(found.files.map(\.blob)).sorted(by: { $0.digest < $1.digest }) {
        if case .good = try LocalFailure.mark({ try store.state(of: blob) }) { continue }
        try take(blob, into: &blobs)
      }
    } catch {
      blobs.discard()
      throw error
    }
    return try LocalFailure.mark { try store.take(found, key, blobs, flushes: flushes) }
  }

  private func take(_ blob: BlobReference, into blobs: inout StagedBlobs) throws {
    let path = try LocalFailure.mark { try store.temporaryPath() }
    var isTaken = false
    defer { if !isTaken { try? store.files.remove(path) } }
    guard try cache.fetch(.blobs, blob.digest, into: path, limit: blob.size) else {
      throw RemoteError.missingBlob(blob)
    }
    let size = try LocalFailure.mark { try store.files.status(path) }?.stamp.size
    guard size == blob.size else { throw RemoteError.damagedBlob(blob) }
    let found = try LocalFailure.mark { try store.files.digest(path)?.digest }
    guard found == blob.digest else { throw RemoteError.damagedBlob(blob) }
    _ = try LocalFailure.mark { try blobs.add(file: path) }
    isTaken = true
  }
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
