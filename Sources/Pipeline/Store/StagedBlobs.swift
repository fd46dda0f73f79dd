/// Finished files on their way into the store, which share the waits for the disk: all are flushed together, then renamed
/// into place, then their folders are flushed together.
struct StagedBlobs {
  private let store: Store
  private var staged: [(path: String, blob: BlobReference)] = []

  init(store: Store) { self.store = store }

  /// Takes in a finished file, which must lie on the store's file system.
  ///
  /// It becomes read-only and is hashed. Cost: reads the file once.
  mutating func add(file path: String) throws -> BlobReference {
    try store.files.protect(path)
    guard let (digest, stamp, _) = try store.files.digest(path) else { throw StoreError.missingSource(path: path) }
    let blob = BlobReference(digest: digest, size: stamp.size)
    staged.append((path, blob))
    return blob
  }

  /// Takes in a finished file that was hashed while it was written.
  mutating func add(file path: String, as blob: BlobReference) throws {
    try store.files.protect(path)
    staged.append((path, blob))
  }

  /// Takes in bytes in memory.
  mutating func add(_ bytes: [UInt8]) throws -> BlobReference {
    let path = try store.temporaryPath()
    try store.files.undurable.create(path, bytes)
    return try add(file: path)
  }

  /// Makes every file a blob of the store.
  ///
  /// A blob that is there already is replaced by the equal bytes, which heals it should it be damaged and makes it young
  /// for the garbage collector.
  ///
  /// `others` are files that have to be on the disk when the blobs are. With `flushes` off nothing waits for the disk.
  func moveIn(flushes: Bool, with others: [String]) throws {
    if flushes { try store.files.sync(staged.map(\.path) + others) }
    var folders: Set<String> = []
    for (path, blob) in staged {
      let place = store.blobPlace(blob.digest)
      try store.makeFolder(above: place)
      try store.files.renameClearing(path, to: place)
      folders.insert(parentFolder(of: place))
    }
    if flushes { try store.files.sync(folders.sorted()) }
  }

  /// Removes what did not become a blob; what cannot be removed is collected as garbage later.
  func discard() { for (path, _) in staged { try? store.files.remove(path) } }
}
