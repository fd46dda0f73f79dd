import Glibc

/// Where the program of a command lies.
///
/// - Parameters:
///   - name: With a slash the path of a file, from `folder` unless it begins at the root; else looked for along `path`.
///   - path: Folders with colons between, as in `PATH`.
/// - Returns: Nil where there is none, or none that may be executed.
package func programFile(_ name: String, in folder: String, along path: String) -> String? {
  func isProgram(_ file: String) -> Bool {
    var status = stat()
    return stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(file, X_OK) == 0
  }
  guard !name.utf8.contains(UInt8(ascii: "/")) else {
    let file = name.hasPrefix("/") ? name : "\(folder)/\(name)"
    return isProgram(file) ? file : nil
  }
  for place in path.split(separator: ":") where place.hasPrefix("/") {
    if isProgram("\(place)/\(name)") { return "\(place)/\(name)" }
  }
  return nil
}
