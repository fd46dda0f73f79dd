extension NodeContext {
  /// Makes a copy of a source that a program of somebody else's may do with as it likes, with the bytes that the key says.
  ///
  /// A folder is copied as its digest has it: links are followed, and names that start with a dot left out.
  /// - Throws: ``StoreError/sourceChanged(role:path:)``, ``StoreError/unknownPort(_:node:known:)``, ``SystemError``.
  package func copySource(_ role: String, to path: String) throws {
    let source = try source(role)
    try copy(source, to: path)
    guard try store.sources.digest(path: path).digest == sourceDigest(role) else {
      throw StoreError.sourceChanged(role: role, path: source)
    }
  }

  private func copy(_ source: String, to path: String) throws {
    let files = FileSystem(isDurable: false)
    guard let status = try files.status(source) else { return }
    switch status.kind {
    case .file:
      _ = try files.copy(source, to: path, each: checkCancellation)
      if status.mode & 0o111 != 0 { try files.makeExecutable(path) }
    case .folder:
      try files.makeFolder(path)
      for name in try files.names(in: source) where !name.utf8.starts(with: ".".utf8) {
        try copy("\(source)/\(name)", to: "\(path)/\(name)")
      }
    case .other: break
    }
  }
}
