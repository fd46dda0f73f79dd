import Diagnostics
import PreciseJSON
import Synchronization
import Threads

/// The remote caches of a run, in the order in which they are asked.
///
/// A remote that fails, lies or is away costs time and never a result: what it gives is verified before it is used, and
/// one that fails three times in a run, or does not answer at all, is left alone for the rest of it. What is damaged there
/// says nothing of all else: it is put there anew, and the cache stays.
package final class RemoteCaches: Sendable {
  /// What became of a result in the caches.
  package enum Sharing: Sendable, Hashable {
    /// There is none to share with, or all have it.
    case shared
    /// Not in these, for these reasons.
    case failed([String])
  }

  /// What went wrong with a cache.
  package struct Trouble: Sendable, Hashable {
    package var cache: String
    package var failures: Int
    /// The first failure's.
    package var reason: String
    /// Whether nobody answered when it was asked.
    package var isAway = false
    /// How many of its results are damaged.
    package var damages = 0
    /// What is wrong with the first of them.
    package var damage = ""
    /// How many of its results were not believed.
    package var doubts = 0
    /// Why the first of them was not.
    package var doubt = ""
    /// Whether it is not asked any more.
    package var isLeftAlone: Bool { isAway || failures >= RemoteCaches.patience }
  }

  /// Failures of a remote itself after which it is not asked any more.
  private static let patience = 3

  package let caches: [any RemoteCache]
  private let trust: [RemoteTrust]
  private let failures = Mutex<[String: Trouble]>([:])
  /// Results that a cache had and could not give: what it has of them is put there anew.
  private let broken = Mutex<Set<Digest>>([])
  /// Results whose entries were not believed: they are put there anew.
  private let doubted = Mutex<Set<Digest>>([])

  /// - Parameter trust: Whose results are believed, by cache; everybody's where there is nothing.
  package init(_ caches: [any RemoteCache] = [], trust: [RemoteTrust] = []) {
    self.caches = caches
    self.trust = caches.indices.map { trust.indices.contains($0) ? trust[$0] : RemoteTrust() }
  }

  /// What a worker process, which only takes, makes the same caches of.
  var json: JSON {
    .array(
      zip(caches, trust).map { ["cache": $0.json, "trusted": .array($1.keys.map(\.json))] })
  }

  convenience init(json: JSON) {
    let members = (json.array ?? []).compactMap { member -> ((any RemoteCache), RemoteTrust)? in
      let place = member["cache"] ?? .null
      let keys = member["trusted"]?.array ?? []
      guard let cache: any RemoteCache = FolderRemote(json: place) ?? HTTPRemote(json: place),
        let trusted = try? keys.map({ try TrustedKey.read(json: $0) })
      else { return nil }
      return (cache, RemoteTrust(keys: trusted))
    }
    self.init(members.map(\.0), trust: members.map(\.1))
  }

  /// The caches that are asked, with whom they are believed for.
  private var usable: [(cache: any RemoteCache, trust: RemoteTrust)] {
    zip(caches, trust).filter { isUsable($0.0) }.map { ($0, $1) }
  }

  /// What went wrong so far, by cache.
  package var troubles: [Trouble] {
    failures.withLock { found in caches.compactMap { found[$0.name] } }
  }

  private func isUsable(_ cache: any RemoteCache) -> Bool {
    failures.withLock { $0[cache.name]?.isLeftAlone != true }
  }

  private func isAway(_ cache: any RemoteCache) -> Bool { failures.withLock { $0[cache.name]?.isAway == true } }

  /// - Returns: Why, in words.
  private func noteFailure(_ cache: any RemoteCache, _ error: any Error) -> String {
    let reason = diagnostics(of: error).map { $0.reason ?? $0.summary }.joined(separator: "; ")
    note(cache) { trouble in
      trouble.failures += 1
      if trouble.failures == 1 { trouble.reason = reason }
      if (error as? HTTPRemoteError)?.isOfServer == true { trouble.isAway = true }
    }
    return reason
  }

  /// Notes that what a cache has under a key cannot be used, which is no failure of the cache.
  ///
  /// - Returns: Why, in words.
  private func noteDamage(_ cache: any RemoteCache, _ key: Digest, _ error: RemoteError) -> String {
    let words = diagnostics(of: error).map(\.summary).joined(separator: "; ")
    let isNew = broken.withLock { $0.insert(key).inserted }
    note(cache) { trouble in
      if isNew { trouble.damages += 1 }
      if trouble.damage.isEmpty { trouble.damage = words }
    }
    return words
  }

  /// - Returns: Why, in words.
  private func noteDoubt(_ cache: any RemoteCache, _ key: Digest, _ doubt: RemoteTrust.Doubt) -> String {
    let isNew = doubted.withLock { $0.insert(key).inserted }
    note(cache) { trouble in
      if isNew { trouble.doubts += 1 }
      if trouble.doubt.isEmpty { trouble.doubt = doubt.words }
    }
    return doubt.words
  }

  private func note(_ cache: any RemoteCache, _ change: (inout Trouble) -> Void) {
    failures.withLock { change(&$0[cache.name, default: Trouble(cache: cache.name, failures: 0, reason: "")]) }
  }

  /// What a cache holds under a key, as its entry tells; nil where none has one that can be read.
  ///
  /// Nothing but entries is fetched, and nothing stays of them.
  package func look(_ key: Digest, beside store: Store) throws -> RemoteResult? {
    for (cache, trust) in usable {
      do {
        if let entry = try RemoteFetch(cache, trust, store, stop: nil).entry(key) {
          return try LocalFailure.mark { try RemoteResult(entry, key, in: cache.name, beside: store) }
        }
      } catch let error as LocalFailure { throw error.error } catch let doubt as RemoteTrust.Doubt {
        _ = noteDoubt(cache, key, doubt)
      } catch let error as RemoteError { _ = noteDamage(cache, key, error) } catch { _ = noteFailure(cache, error) }
    }
    return nil
  }

  /// Brings a result into the store from the first cache that has it whole.
  ///
  /// - Parameters:
  ///   - flushes: Whether it is on the disk when this returns.
  ///   - stop: Ends it where it is.
  ///   - progress: Told how many bytes of how many have come, from several threads.
  ///   - tell: Told of caches that could not be used, and why.
  /// - Returns: The result that now stands under the key with the cache that it came from; nil where none has it.
  /// - Throws: What the store throws: its own failures are no fault of a cache; ``Interrupted``.
  package func fetch(
    _ key: Digest, into store: Store, flushes: Bool = true, stop: Cancellation? = nil,
    progress: @escaping @Sendable (_ come: Int, _ all: Int) -> Void = { _, _ in }, tell: (String) -> Void = { _ in }
  ) throws -> (result: StoredResult, cache: String)? {
    for (cache, trust) in usable {
      do {
        let result = try RemoteFetch(cache, trust, store, stop: stop).result(key, flushes: flushes, progress: progress)
        if let result { return (result, cache.name) }
      } catch let error as LocalFailure {
        throw error.error
      } catch let error as Interrupted {
        throw error
      } catch let doubt as RemoteTrust.Doubt {
        tell("the result `\(key.short)` of cache `\(cache.name)` is not believed: \(noteDoubt(cache, key, doubt))")
      } catch let error as RemoteError {
        tell("cache `\(cache.name)` cannot give `\(key.short)`: \(noteDamage(cache, key, error))")
      } catch {
        broken.withLock { _ = $0.insert(key) }
        tell("cache `\(cache.name)` cannot give `\(key.short)`: \(noteFailure(cache, error))")
      }
    }
    return nil
  }

  /// Puts a result and what it was made from into every cache that takes any and lacks it: blobs before the entries that name
  /// them.
  ///
  /// - Parameters:
  ///   - stop: Ends it where it is.
  ///   - moved: Told of bytes that have gone, from several threads.
  package func share(
    _ result: StoredResult, of store: Store, stop: Cancellation? = nil,
    moved: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> Sharing {
    var problems: [String] = []
    for (cache, trust) in zip(caches, trust) where cache.isWritable {
      guard isUsable(cache) else {
        problems.append(
          isAway(cache)
            ? "`\(cache.name)` does not answer" : "`\(cache.name)` is left alone after \(Self.patience) failures")
        continue
      }
      do {
        try share(result, of: store, with: cache, trust, RemoteTransfer(stop: stop, moved: moved))
      } catch is Interrupted {
        problems.append("`\(cache.name)`: stopped on request")
      } catch {
        problems.append("`\(cache.name)`: \(noteFailure(cache, error))")
      }
    }
    return problems.isEmpty ? .shared : .failed(problems)
  }

  private func share(
    _ result: StoredResult, of store: Store, with cache: any RemoteCache, _ trust: RemoteTrust,
    _ transfer: RemoteTransfer
  ) throws {
    for part in try cache.keepsParts ? store.parts(of: result.actionResult) : [] {
      // A part that is gone was collected; the result stands without it.
      guard case .found(let found) = try store.result(for: part),
        try isSuspect(part) || !holdsEntry(part, of: store, cache, trust, transfer)
      else { continue }
      try put(found, of: store, into: cache, trust, transfer)
    }
    try put(result, of: store, into: cache, trust, transfer)
  }

  private func put(
    _ result: StoredResult, of store: Store, into cache: any RemoteCache, _ trust: RemoteTrust,
    _ transfer: RemoteTransfer
  ) throws {
    let isBroken = broken.withLock { $0.contains(result.key) }
    let isThere = try !isSuspect(result.key) && holdsEntry(result.key, of: store, cache, trust, transfer)
    let added = Atomic(false)
    let blobs = Set(result.actionResult.files.map(\.blob)).sorted { $0.digest < $1.digest }
    try forEach(blobs, atOnce: cache.width) { blob in
      try transfer.check()
      guard try isBroken || !cache.holds(.blobs, blob.digest, size: blob.size, transfer) else { return }
      try cache.keep(.blobs, blob.digest, from: store.path(of: blob), transfer)
      added.store(true, ordering: .relaxed)
    }
    guard !isThere || added.load(ordering: .relaxed) else { return }
    let entry = try store.temporaryPath()
    defer { try? store.files.remove(entry) }
    try store.files.undurable.create(entry, try trust.encoded(result.actionResult, for: result.key))
    try cache.keep(.results, result.key, from: entry, transfer)
  }

  /// Whether what a cache has under a key was seen to be of no use.
  private func isSuspect(_ key: Digest) -> Bool {
    doubted.withLock { $0.contains(key) } || broken.withLock { $0.contains(key) }
  }

  /// Whether a cache has an entry under a key that can be read; one that cannot is put there anew.
  private func holdsEntry(
    _ key: Digest, of store: Store, _ cache: any RemoteCache, _ trust: RemoteTrust, _ transfer: RemoteTransfer
  ) throws -> Bool {
    guard try cache.holds(.results, key, size: nil, transfer) else { return false }
    do { return try RemoteFetch(cache, trust, store, stop: transfer.stop).entry(key) != nil } catch is RemoteError {
      return false
    } catch is RemoteTrust.Doubt {
      return true
    } catch let error as LocalFailure { throw error.error }
  }
}
