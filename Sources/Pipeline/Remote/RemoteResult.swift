/// What a remote cache has under a key, before anything of it is fetched.
package struct RemoteResult: Sendable, Hashable {
  package var key: Digest
  /// Which cache it is in.
  package var cache: String
  /// The digest of each output.
  package var digests: [String: Digest]
  /// The bytes of it that the store does not have.
  package var missingBytes: Int

  init(_ entry: ActionResult, _ key: Digest, in cache: String, beside store: Store) throws {
    self.key = key
    self.cache = cache
    let manifests = entry.files.filter { $0.path.hasSuffix("/" + StoredResult.manifestName) }.compactMap { file in
      let port = file.path.dropLast(StoredResult.manifestName.count + 1)
      return port.contains("/") ? nil : (String(port), file.blob.digest)
    }
    digests = Dictionary(manifests) { first, _ in first }
    missingBytes = try Set(entry.files.map(\.blob)).reduce(0) { sum, blob in
      if case .good = try store.state(of: blob) { sum } else { sum + blob.size }
    }
  }
}
