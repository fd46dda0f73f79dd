import Glibc

/// The folder that relative paths start at.
///
/// Paths are texts here. A folder whose name is none goes by the name that the system has for it in every process that
/// is started there.
package func currentFolder() throws(SystemError) -> String {
  guard let path = getcwd(nil, 0) else { throw SystemError("tell the path of", ".") }
  defer { free(path) }
  return String(validatingCString: path) ?? namelessFolder
}

/// The current folder's name where its own is no text.
private let namelessFolder = "/proc/self/cwd"

/// A path as people see it, who do not know the name that stands for a current folder without one.
package func shownPath(_ path: String) -> String {
  path.hasPrefix(namelessFolder + "/") ? String(path.dropFirst(namelessFolder.count + 1)) : path
}

/// The folder that a path stands in.
package func parentFolder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
