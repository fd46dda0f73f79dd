import AsyncHTTPClient
import NIOHTTP1
import PreciseJSON
import Synchronization

/// A name in a registry as a cache of one result: the manifest under the name stands for the entry, the registry's blobs are the
/// store's, so that what goes there and comes from there is verified, trusted and signed as with any other cache.
package final class RegistryRemote: RemoteCache {
  package let reference: RegistryReference
  package let isWritable: Bool
  package let width = 4
  /// A name stands for one result.
  package let keepsParts = false
  private let connection: RegistryConnection
  private let files: FileSystem
  /// The manifest under the name, once it was asked for.
  private let found = Mutex<Found?>(nil)

  /// What stands under a name.
  package struct Found: Sendable, Equatable {
    /// The manifest's, which pins it.
    package var digest: Digest
    package var key: Digest { manifest.key }
    package var byteCount: Int { Set(manifest.files.map(\.blob)).reduce(0) { $0 + $1.size } }
    var manifest: RegistryManifest
  }

  private static let limit = 4 << 20

  /// - Parameters:
  ///   - ca: A file with the only certificates to trust.
  ///   - isPlain: Whether it speaks HTTP; always where the registry is on this machine.
  ///   - isWritable: Whether a result is to be put there.
  /// - Throws: ``RegistryError``.
  package init(
    _ reference: RegistryReference, ca: String? = nil, isPlain: Bool = false, isWritable: Bool = false,
    files: FileSystem = FileSystem()
  ) throws {
    self.reference = reference
    self.isWritable = isWritable
    self.files = files
    var settings = CacheSettings()
    settings.ca = ca.map { CachePath(text: $0) }
    connection = try RegistryConnection(
      reference, settings: settings, credentials: try .find(for: reference.host, files: files),
      isPlain: isPlain || reference.isLocal && ca == nil, mayWrite: isWritable)
  }

  package var name: String { reference.name }

  /// Workers never ask it.
  package var json: JSON { .null }

  /// What stands under the name.
  ///
  /// - Throws: ``RegistryError/nothing(_:)``, ``RegistryError/foreign(_:reason:)``, ``RegistryError/damagedManifest(_:)``.
  package func look(_ transfer: RemoteTransfer = RemoteTransfer()) throws -> Found {
    if let known = found.withLock({ $0 }) { return known }
    let body = CollectedBody(limit: Self.limit)
    let head = try connection.ask(.GET, "manifests/\(reference.manifestName)", transfer) { exchange in
      exchange.headers.add(name: "Accept", value: RegistryManifest.mediaType)
      body.attach(to: &exchange)
    }
    if head.status == .notFound { throw RegistryError.nothing(reference.text) }
    guard head.status == .ok else { throw HTTPRemoteError(head) }
    let bytes = body.bytes
    let digest = Digest(of: bytes)
    guard reference.digest == nil || reference.digest == digest else {
      throw RegistryError.damagedManifest(reference.text)
    }
    do {
      let new = Found(digest: digest, manifest: try RegistryManifest(bytes))
      found.withLock { $0 = new }
      return new
    } catch { throw RegistryError.foreign(reference.text, reason: error.reason) }
  }

  package func holds(_ area: RemoteArea, _ digest: Digest, size: Int?, _ transfer: RemoteTransfer) throws -> Bool {
    // What the name stands for is said anew each time.
    guard area == .blobs else { return false }
    let head = try connection.ask(.HEAD, Self.place(digest), transfer)
    switch head.status.code {
    case 200: return true
    case 404, 405: return false
    default: throw HTTPRemoteError(head)
    }
  }

  package func fetch(
    _ area: RemoteArea, _ digest: Digest, into file: ReceivedFile, limit: Int, _ transfer: RemoteTransfer
  ) throws -> Bool {
    switch area {
    case .blobs: return try get(digest, file, limit, transfer)
    case .results:
      let found = try look(transfer)
      return try found.key == digest && get(found.manifest.entry.digest, file, limit, transfer)
    }
  }

  private func get(_ digest: Digest, _ file: ReceivedFile, _ limit: Int, _ transfer: RemoteTransfer) throws -> Bool {
    let head = try connection.ask(.GET, Self.place(digest), transfer) { exchange in
      try file.restart()
      exchange.begin = { $0.status == .ok }
      exchange.take = { bytes in
        guard file.count + bytes.count <= limit else { throw RemoteError.tooLarge(digest, limit: limit) }
        try file.append(bytes)
      }
    }
    switch head.status.code {
    case 200: return true
    case 404: return false
    default: throw HTTPRemoteError(head)
    }
  }

  package func keep(_ area: RemoteArea, _ digest: Digest, from path: String, _ transfer: RemoteTransfer) throws {
    let upload = RegistryUpload(connection: connection, transfer: transfer)
    guard area == .results else {
      guard let size = try files.status(path)?.stamp.size else { throw SystemError("open", path, code: 2) }
      return try upload(path, as: BlobReference(digest: digest, size: size))
    }
    guard let bytes = try files.read(path, limit: ActionResult.limit), let entry = ActionResult(bytes, for: digest)
    else {
      throw RemoteError.damagedEntry(digest)
    }
    let blob = BlobReference(digest: Digest(of: bytes), size: bytes.count)
    if try !holds(.blobs, blob.digest, size: blob.size, transfer) { try upload(path, as: blob) }
    try name(RegistryManifest(key: digest, entry: blob, files: entry.files), transfer)
  }

  /// Puts the manifest under the name.
  private func name(_ manifest: RegistryManifest, _ transfer: RemoteTransfer) throws {
    let bytes = manifest.bytes
    let head = try connection.ask(.PUT, "manifests/\(reference.manifestName)", transfer) { exchange in
      exchange.headers.add(name: "Content-Type", value: RegistryManifest.mediaType)
      exchange.body = .bytes(bytes)
    }
    guard head.status == .created else { throw HTTPRemoteError(head) }
    found.withLock { $0 = Found(digest: Digest(of: bytes), manifest: manifest) }
  }

  private static func place(_ digest: Digest) -> String { "blobs/sha256:" + digest.hex }
}
