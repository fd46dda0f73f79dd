import Glibc

extension ArtefactBuilder {
  /// Takes over what a program has made in a folder on the store's file system, as the members.
  ///
  /// Files are moved. A link to a file in the folder becomes a copy of it, and so does a file that has another name
  /// elsewhere: whoever writes there must not write to the store. What the program left without rights (folders of Go and
  /// Nix may only be read) is given them.
  /// - Throws: ``StoreError/outputLink(_:to:port:)``, ``StoreError/outputOddity(_:port:)``,
  ///   ``StoreError/invalidMemberPath(_:port:)``, ``SystemError``.
  package func take(_ root: String) throws {
    let whole = try store.files.resolved(root)
    var (files, links): ([String], [String]) = ([], [])
    try list(root, prefix: "", &files, &links)
    // While what they lead to is still there.
    for member in links {
      let link = "\(root)/\(member)"
      guard let target = linkTarget(link) else { throw StoreError.outputOddity(member, port: port) }
      guard try store.files.status(link)?.kind == .file, liesIn(try store.files.resolved(link), whole) else {
        throw StoreError.outputLink(member, to: target, port: port)
      }
      try copy(link, to: member)
    }
    for member in files {
      let file = "\(root)/\(member)"
      if hasOtherNames(file) { try copy(file, to: member) } else { try store.files.rename(file, to: path(for: member)) }
    }
  }

  /// The files below a folder, and what is neither file nor folder.
  private func list(_ root: String, prefix: String, _ files: inout [String], _ links: inout [String]) throws {
    try store.files.allow(0o700, root)
    for name in try store.files.names(in: root) {
      switch try store.files.status("\(root)/\(name)", followsLinks: false)?.kind {
      case .folder: try list("\(root)/\(name)", prefix: prefix + name + "/", &files, &links)
      case .file:
        try store.files.allow(0o400, "\(root)/\(name)")
        files.append(prefix + name)
      case .other: links.append(prefix + name)
      case nil: break
      }
    }
  }

  private func copy(_ source: String, to member: String) throws {
    guard try store.files.copy(source, to: path(for: member), each: {}) else {
      throw StoreError.unwrittenMember(member, port: port)
    }
  }

  private func hasOtherNames(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_nlink > 1
  }

  private func linkTarget(_ path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
