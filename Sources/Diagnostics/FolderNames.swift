import Glibc

/// A folder that could not be listed to its end.
package struct ListingError: Error, Sendable, Hashable {
  /// The folder, or what is in it and cannot be named.
  package var path: String
  /// The system's error number; `EILSEQ` for a name that is not UTF-8 text.
  package var code: Int32

  package init(path: String, code: Int32) {
    self.path = path
    self.code = code
  }
}

extension ListingError: DiagnosticError {
  package var diagnostics: [Diagnostic] {
    [
      code == EILSEQ
        ? Diagnostic(
          code: "name-not-utf8", "Cannot list `\(path)`: the name is not UTF-8 text", at: Place(file: path),
          advice: "rename it (`convmv` does many at once)")
        : Diagnostic(
          code: "file", "Cannot list `\(path)`", at: Place(file: path), reason: String(cString: strerror(code)))
    ]
  }
}

/// The names in a folder in byte order, without `.` and `..`; nil when there is no such folder.
///
/// All of them or an error, which Foundation does not promise: its listings end where the disk stops answering.
///
/// - Parameter refusesOthers: Whether a name that is not UTF-8 text, which no path here could hold, is an error: where a
///   folder is copied or removed whole. Where known names are looked for it is passed over.
/// - Throws: ``ListingError``.
package func folderNames(_ folder: String, refusesOthers: Bool = false) throws(ListingError) -> [String]? {
  guard let handle = opendir(folder) else {
    if errno == ENOENT { return nil }
    throw ListingError(path: folder, code: errno)
  }
  defer { closedir(handle) }
  var names: [String] = []
  while true {
    // The end and an error differ in `errno` alone.
    errno = 0
    guard let entry = readdir(handle) else { break }
    let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      if !refusesOthers { continue }
      throw ListingError(path: "\(folder)/\(String(decoding: bytes, as: UTF8.self))", code: EILSEQ)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  guard errno == 0 else { throw ListingError(path: folder, code: errno) }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
