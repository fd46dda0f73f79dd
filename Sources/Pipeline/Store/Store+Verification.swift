import Glibc

/// The answer of `anneal cache verify`.
extension Store {
  /// What a look at every byte of the store found.
  package struct Verification: Sendable {
    /// A result that cannot be used.
    package struct Finding: Sendable {
      package var key: Digest
      /// The node type, or `type/part` for a part; nil when its preimage cannot be read.
      package var type: String?
      /// Whether it is a part of a node's work, which is made again only when the node runs.
      package var isPart: Bool
      package var reason: DeadEntry
    }

    /// Blobs read, and their bytes.
    package var blobs = 0
    package var size = 0
    /// Files read that are used where they lie, and their bytes.
    package var references = 0
    package var referenceSize = 0
    package var results = 0
    /// Blobs whose bytes are not what their names say.
    package var corrupt: [Digest] = []
    /// Results that cannot be used as they are.
    package var dead: [Finding] = []
    /// Results that were made from damaged blobs; they have been removed.
    package var void: [Finding] = []
    /// Whether what was found was also removed.
    package var isRepaired = false

    package var isSound: Bool { corrupt.isEmpty && dead.isEmpty && void.isEmpty }
  }

  /// Reads every blob again, whatever its stamp says, and looks through every result.
  ///
  /// A blob may have been damaged for long when it is found, and results may have been made from it: they are whole and
  /// wrong, nothing would ever tell, so they are removed at once. With `repair`, damaged blobs are removed too, and the
  /// results that need them; otherwise the next run that needs them finds them.
  ///
  /// Cost: reads the whole store and the files that are used in place.
  package func verify(repair: Bool = false) throws -> Verification {
    var found = Verification(isRepaired: repair)
    for digest in try listing("cas") { try verify(blob: digest, &found) }
    for digest in try listing("refs") { try verify(reference: digest, &found) }
    let corrupt = Set(found.corrupt)
    var alive: [Digest] = []
    for key in try listing("ac") {
      found.results += 1
      if let reason = try deadness(of: key, corrupt: corrupt) {
        found.dead.append(try finding(key, reason))
      } else {
        alive.append(key)
      }
    }
    found.void = try resultsMade(from: corrupt, among: alive)
    for result in found.void { try files.remove(resultPlace(result.key)) }
    if repair {
      for digest in found.corrupt { try files.removeTree(blobPlace(digest)) }
      for result in found.dead { try files.removeTree(resultPlace(result.key)) }
    }
    return found
  }

  private func verify(blob digest: Digest, _ found: inout Verification) throws {
    let place = blobPlace(digest)
    guard let status = try files.status(place, followsLinks: false) else { return }
    guard status.kind == .file, let read = try readable(place) else {
      // Gone meanwhile, or unreadable.
      if try files.status(place, followsLinks: false) != nil { found.corrupt.append(digest) }
      return
    }
    found.blobs += 1
    found.size += read.stamp.size
    if read.digest != digest { found.corrupt.append(digest) }
    digests.correct(read.digest, for: read.stamp, readFrom: read.start)
  }

  /// A file that has other bytes under the stamp with which it was read before is damaged; one with another stamp was
  /// changed by its owner.
  private func verify(reference digest: Digest, _ found: inout Verification) throws {
    guard let path = try referencedPath(digest), let status = try files.status(path), status.kind == .file else {
      return
    }
    let known = digests.digest(for: status.stamp)
    let read: (digest: Digest, stamp: FileStamp, start: Int64)?
    do { read = try readable(path) } catch StoreError.changedWhileRead { return }
    guard let read else { return found.corrupt.append(digest) }
    found.references += 1
    found.referenceSize += read.stamp.size
    if read.digest != digest, known == digest, read.stamp == status.stamp { found.corrupt.append(digest) }
    digests.correct(read.digest, for: read.stamp, readFrom: read.start)
  }

  private func deadness(of key: Digest, corrupt: Set<Digest>) throws -> DeadEntry? {
    if case .dead(let reason) = try result(for: key) { return reason }
    guard let entry = try entry(for: key), let entry else { return nil }
    return entry.files.first { corrupt.contains($0.blob.digest) }.map { .file($0.path, $0.blob, .corrupt) }
  }

  private func finding(_ key: Digest, _ reason: DeadEntry) throws -> Verification.Finding {
    let preimage = try preimage(of: key)
    return Verification.Finding(
      key: key, type: preimage?.typeName, isPart: preimage?.domain == .part, reason: reason)
  }

  // MARK: What was made from what

  /// The results whose keys name one of some blobs: in an input's manifest, or among what a part was made from.
  private func resultsMade(from corrupt: Set<Digest>, among keys: [Digest]) throws -> [Verification.Finding] {
    guard !corrupt.isEmpty else { return [] }
    var found: [Verification.Finding] = []
    var culprits: [Digest: Digest?] = [:]
    func culprit(_ digest: Digest) throws -> Digest? {
      if corrupt.contains(digest) { return digest }
      if let known = culprits[digest] { return known }
      let first = try members(ofManifest: digest).first(where: corrupt.contains)
      culprits[digest] = .some(first)
      return first
    }
    for key in keys {
      guard let preimage = try preimage(of: key) else { continue }
      let named = preimage.entries.flatMap(\.value.digests)
      guard let blob = try named.lazy.compactMap(culprit).first else { continue }
      found.append(try finding(key, .madeFrom(blob)))
    }
    // A node may also have taken a part that another one made.
    let parts = Dictionary(found.filter(\.isPart).map { ($0.key, $0.reason) }, uniquingKeysWith: { first, _ in first })
    let known = Set(found.map(\.key))
    for key in keys where !parts.isEmpty && !known.contains(key) {
      guard let entry = try entry(for: key), let entry else { continue }
      if let reason = try self.parts(of: entry).lazy.compactMap({ parts[$0] }).first {
        found.append(try finding(key, reason))
      }
    }
    return found
  }

  /// The blobs that a manifest lists; none when there is no manifest with this digest.
  private func members(ofManifest digest: Digest) throws -> [Digest] {
    let place = blobPlace(digest)
    // Manifests are short, and many digests in keys are of other things.
    guard let size = try files.status(place, followsLinks: false)?.stamp.size, size < 64 << 20 else { return [] }
    do {
      let manifest = try bytes(of: BlobReference(digest: digest, size: size))
      return try Artefact(manifest: manifest).members.map(\.blob.digest)
    } catch StoreError.blobLost { return [] } catch StoreError.invalidManifest { return [] }
  }
}

extension KeyPreimage {
  /// The node type, or `type/part` for a part; for a part of any node type's, its recipe.
  var typeName: String? {
    if case .text(let recipe)? = self["recipe"] { return recipe }
    guard case .text(let type)? = self["type"] else { return nil }
    if case .text(let part)? = self["part"] { return "\(type)/\(part)" }
    return type
  }
}

extension CanonicalValue {
  /// The digests in it, also those that are written as texts.
  fileprivate var digests: [Digest] {
    switch self {
    case .digest(let digest): [digest]
    case .text(let text): Digest(hex: text).map { [$0] } ?? []
    case .list(let values): values.flatMap(\.digests)
    case .map(let values): values.values.flatMap(\.digests)
    default: []
    }
  }
}
