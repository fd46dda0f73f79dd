import PreciseJSON

extension Artefact {
  /// Reads a manifest back.
  /// - Throws: ``StoreError/invalidManifest(reason:)`` for anything that ``manifest`` would not have written.
  package init(manifest bytes: [UInt8]) throws {
    func invalid(_ reason: String) -> StoreError { .invalidManifest(reason: reason) }
    guard let json = try? JSON(parsing: bytes, file: "manifest.json") else { throw invalid("it is no JSON text") }
    guard let name = json["type"]?.string, let facets = json["facets"]?.object, let details = json["details"]?.object,
      let list = json["files"]?.array
    else { throw invalid("`type`, `facets`, `details` or `files` is missing") }
    guard let facets = [String: Facet](facets) else { throw invalid("a facet is neither a text nor a whole number") }
    let members = try list.map { file -> Member in
      guard let path = file["path"]?.string, isValidMemberPath(path), let hex = file["sha256"]?.string,
        let digest = Digest(hex: hex), let size = file["size"]?.int, size >= 0
      else { throw invalid("a file has no valid path, digest or size") }
      return Member(path: path, blob: BlobReference(digest: digest, size: size))
    }
    self.init(type: ArtefactType(name, facets), details: details, members: members)
  }
}

/// Whether a text may name a file of an artefact: relative, no empty part, no `.` or `..`, no control character, no
/// backslash, at most 1,024 bytes, and not `manifest.json`, which stands beside the files in a stored result.
func isValidMemberPath(_ path: String) -> Bool {
  guard !path.isEmpty, path.utf8.count <= 1024, path != "manifest.json" else { return false }
  guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { return false }
  return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
    !$0.isEmpty && $0 != "." && $0 != ".."
  }
}
