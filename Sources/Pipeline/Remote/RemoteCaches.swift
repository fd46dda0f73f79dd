import Diagnostics
import PreciseJSON
import Synchronization

/// The remote caches of a run, in the order in which they are asked.
///
/// A remote that fails, lies or is away costs time and never a result: what it gives is verified before it is used, and
/// one that fails three times in a run is left alone for the rest of it.
package final class RemoteCaches: Sendable {
  /// What became of a result in the caches.
  package enum Sharing: Sendable, Hashable {
    /// There is none to share with, or all have it.
    case shared
    /// Not in these, for these reasons.
    case failed([String])
  }

  /// Failures after which a remote is not asked any more.
  private static let patience = 3

  package let caches: [any RemoteCache]
  private let failures = Mutex<[String: Int]>([:])
  /// Results that a cache had and could not give: what it has of them is put there anew.
  private let broken = Mutex<Set<Digest>>([])

  package init(_ caches: [any RemoteCache] = []) { self.caches = caches }

  /// What a worker process makes the same caches of.
  var json: JSON { .array(caches.map(\.json)) }

  convenience init(json: JSON) { self.init((json.array ?? []).compactMap(FolderRemote.init(json:))) }

  private func isUsable(_ cache: any RemoteCache) -> Bool {
    failures.withLock { ($0[cache.name] ?? 0) < Self.patience }
  }

  private func noteFailure(_ cache: any RemoteCache) { failures.withLock { $0[cache.name, default: 0] += 1 } }

  /// What a cache holds under a key, as its entry tells; nil where none has one that can be read.
  ///
  /// Nothing but entries is fetched, and nothing stays of them.
  package func look(_ key: Digest, beside store: Store) throws -> RemoteResult? {
    for cache in caches where isUsable(cache) {
      do {
        if let entry = try RemoteFetch(cache, store).entry(key) {
          return try LocalFailure.mark { try RemoteResult(entry, key, in: cache.name, beside: store) }
        }
      } catch let error as LocalFailure { throw error.error } catch { noteFailure(cache) }
    }
    return nil
  }

  /// Brings a result into the store from the first cache that has it whole.
  ///
  /// - Parameters:
  ///   - flushes: Whether it is on the disk when this returns.
  ///   - tell: Told of caches that could not be used, and why.
  /// - Returns: The result that now stands under the key with the cache that it came from; nil where none has it.
  /// - Throws: What the store throws: its own failures are no fault of a cache.
  package func fetch(
    _ key: Digest, into store: Store, flushes: Bool = true, tell: (String) -> Void = { _ in }
  ) throws -> (result: StoredResult, cache: String)? {
    for cache in caches where isUsable(cache) {
      do {
        if let result = try RemoteFetch(cache, store).result(key, flushes: flushes) { return (result, cache.name) }
      } catch let error as LocalFailure {
        throw error.error
      } catch {
        noteFailure(cache)
        broken.withLock { _ = $0.insert(key) }
        tell(
          "cache `\(cache.name)` cannot give `\(key.short)`: \(diagnostics(of: error).map(\.summary).joined(separator: "; "))"
        )
      }
    }
    return nil
  }

  /// Puts a result and what it was made from into every cache that takes any and lacks it: blobs before the entries that name
  /// them.
  package func share(_ result: StoredResult, of store: Store) -> Sharing {
    var problems: [String] = []
    for cache in caches where cache.isWritable {
      guard isUsable(cache) else {
        problems.append("`\(cache.name)` is left alone after \(Self.patience) failures")
        continue
      }
      do { try share(result, of: store, with: cache) } catch {
        noteFailure(cache)
        problems.append(
          "`\(cache.name)`: \(diagnostics(of: error).map { $0.reason ?? $0.summary }.joined(separator: "; "))")
      }
    }
    return problems.isEmpty ? .shared : .failed(problems)
  }

  private func share(_ result: StoredResult, of store: Store, with cache: any RemoteCache) throws {
    for part in try store.parts(of: result.actionResult) {
      // A part that is gone was collected; the result stands without it.
      guard case .found(let found) = try store.result(for: part), try !cache.holds(.results, part) else { continue }
      try put(found, of: store, into: cache)
    }
    try put(result, of: store, into: cache)
  }

  private func put(_ result: StoredResult, of store: Store, into cache: any RemoteCache) throws {
    let isBroken = broken.withLock { $0.contains(result.key) }
    var isWhole = try !isBroken && cache.holds(.results, result.key)
    for blob in Set(result.actionResult.files.map(\.blob)).sorted(by: { $0.digest < $1.digest })
    where try isBroken || !cache.holds(.blobs, blob.digest) {
      try cache.keep(.blobs, blob.digest, from: store.path(of: blob))
      isWhole = false
    }
    if !isWhole { try cache.keep(.results, result.key, from: store.resultPlace(result.key)) }
  }
}
