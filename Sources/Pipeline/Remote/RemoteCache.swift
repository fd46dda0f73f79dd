import PreciseJSON

/// A place beside the store where results and blobs are kept for others: under `ac/` and `cas/` by their digests, as Bazel's
/// HTTP cache names them.
package protocol RemoteCache: Sendable {
  /// What messages call it.
  var name: String { get }
  /// Whether results may be put there.
  var isWritable: Bool { get }
  /// How many things it gives or takes at once.
  var width: Int { get }
  /// Whether it also keeps what a result was made from, for whoever makes a similar one.
  var keepsParts: Bool { get }

  /// What another process makes the same cache of.
  var json: JSON { get }

  /// Whether something stands under a digest, without a look at what it is.
  ///
  /// - Parameter size: The bytes that it has; what has others, as far as the cache tells, is not it. Nil where that is not known.
  func holds(_ area: RemoteArea, _ digest: Digest, size: Int?, _ transfer: RemoteTransfer) throws -> Bool

  /// Whether it takes what is put there, as far as can be told without trying; nil where that alone tells.
  ///
  /// - Throws: ``SystemError`` where it can be no cache.
  func canTake() throws -> Bool?

  /// Copies what stands under a digest into a new file.
  ///
  /// - Parameter limit: The most bytes that it may have.
  /// - Returns: Whether there is anything.
  /// - Throws: ``RemoteError/tooLarge(_:limit:)``, ``Interrupted``, and what the way there throws.
  func fetch(
    _ area: RemoteArea, _ digest: Digest, into file: ReceivedFile, limit: Int, _ transfer: RemoteTransfer
  ) throws -> Bool

  /// Puts a file under a digest; nobody sees half of it.
  func keep(_ area: RemoteArea, _ digest: Digest, from path: String, _ transfer: RemoteTransfer) throws
}

extension RemoteCache {
  package var keepsParts: Bool { true }
  package func canTake() throws -> Bool? { nil }
}

/// What a remote cache keeps.
package enum RemoteArea: String, Sendable, CaseIterable {
  /// Results, by action key.
  case results = "ac"
  /// Blobs, by content.
  case blobs = "cas"
}

/// What a remote cache gave that cannot be used.
package enum RemoteError: Error, Sendable, Hashable {
  /// An entry that is not what was published under its key.
  case damagedEntry(Digest)
  /// An entry that names a blob which is not there.
  case missingBlob(BlobReference)
  /// Bytes that are not what their name says.
  case damagedBlob(BlobReference)
  case tooLarge(Digest, limit: Int)
}
