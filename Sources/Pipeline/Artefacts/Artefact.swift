import PreciseJSON

/// An immutable tree of blobs with a type and details: what a node publishes at an output port.
///
/// Its identity is the digest of its manifest, a JSON text with sorted keys that holds the type, the facets, the
/// details and every member's path, digest and size, and no paths of the machine, times or names of runs.
package struct Artefact: Sendable {
  /// One file of the tree.
  package struct Member: Sendable, Hashable {
    /// Relative, `/`-separated, without `.` or `..`.
    package var path: String
    package var blob: BlobReference

    package init(path: String, blob: BlobReference) {
      self.path = path
      self.blob = blob
    }
  }

  package let type: ArtefactType
  /// What the producer says about the content, such as counts of rows; decided by the content alone.
  package let details: JSONObject
  /// In the byte order of their paths.
  package let members: [Member]
  /// The manifest as a blob; its digest is the artefact's identity.
  package let manifestBlob: BlobReference

  package init(type: ArtefactType, details: JSONObject, members: [Member]) {
    self.type = type
    self.details = details
    self.members = members.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    let manifest = Self.manifest(type, details, self.members)
    manifestBlob = BlobReference(digest: Digest(of: manifest.utf8), size: manifest.utf8.count)
  }

  /// The canonical text whose digest is the artefact's identity.
  package var manifest: String { Self.manifest(type, details, members) }

  private static func manifest(_ type: ArtefactType, _ details: JSONObject, _ members: [Member]) -> String {
    let files = members.map { member -> JSON in
      ["path": JSON(member.path), "sha256": JSON(member.blob.digest.hex), "size": JSON(member.blob.size)]
    }
    let manifest: JSON = [
      "type": JSON(type.name), "facets": type.facets.json, "details": .object(details), "files": .array(files),
    ]
    return manifest.text(JSONLayout(sortedKeys: true))
  }

  package var digest: Digest { manifestBlob.digest }
  package var size: Int { members.reduce(0) { $0 + $1.blob.size } }
}
