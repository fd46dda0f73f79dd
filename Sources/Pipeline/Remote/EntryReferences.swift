/// What an `ActionResult` names, whoever made it: Bazel's entries have folders and output of commands, ours have files alone.
///
/// Field numbers (remote_execution.proto): ActionResult 2 = output_files, 3 = output_directories, 6 and 8 = digests of
/// standard output and error; OutputFile 2 = digest; OutputDirectory 3 = tree_digest, 5 = root_directory_digest; Tree 1 = root,
/// 2 = children; Directory 1 = files; FileNode 2 = digest.
package struct EntryReferences: Sendable, Hashable {
  /// The entry, or a list of a folder, is no message of these.
  package struct Malformed: Error {}

  /// Larger entries are refused: 10,000 files make about 1 MB.
  package static let limit = ActionResult.limit
  /// Larger lists of folders are refused.
  package static let treeLimit = 64 << 20

  package var blobs: Set<BlobReference> = []
  /// Blobs whose bytes are `Tree` messages, which name others.
  package var trees: Set<BlobReference> = []

  /// Reads an entry.
  package init(entry bytes: [UInt8]) throws(Malformed) {
    try read(bytes[...]) { field, data in
      switch field {
      case 2: if let blob = try digest(in: data, field: 2) { blobs.insert(blob) }
      case 3:
        if let tree = try digest(in: data, field: 3) { trees.insert(tree) }
        if let root = try digest(in: data, field: 5) { blobs.insert(root) }
      case 6, 8: blobs.insert(try blob(data))
      default: break
      }
    }
  }

  /// Reads a folder's list.
  package init(tree bytes: [UInt8]) throws(Malformed) {
    try read(bytes[...]) { field, folder in
      guard field == 1 || field == 2 else { return }
      try read(folder) { field, node in
        if field == 1, let file = try digest(in: node, field: 2) { blobs.insert(file) }
      }
    }
  }

  private func read(
    _ bytes: ArraySlice<UInt8>, _ body: (Int, ArraySlice<UInt8>) throws -> Void
  ) throws(Malformed) {
    do {
      var reader = ProtobufReader(bytes)
      while let (field, value) = try reader.next() {
        if case .data(let data) = value { try body(field, data) }
      }
    } catch { throw Malformed() }
  }

  private func digest(in bytes: ArraySlice<UInt8>, field wanted: Int) throws(Malformed) -> BlobReference? {
    var found: BlobReference?
    try read(bytes) { field, data in if field == wanted { found = try blob(data) } }
    return found
  }

  private func blob(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> BlobReference {
    do { return try ActionResult.blob(bytes) } catch { throw Malformed() }
  }
}
