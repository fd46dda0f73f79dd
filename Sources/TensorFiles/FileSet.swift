import Glibc

/// Files that belong together, by the names under which their reader knows them, such as `config.json`: those of a folder
/// that count, or a file that stands for one of them under a name of its own.
///
/// What is read from a set opens no other file, so a set tells what a result depends on.
package struct FileSet: Sendable, Hashable {
  package struct File: Sendable, Hashable {
    package let name: String
    package let path: String

    package init(name: String, path: String) {
      self.name = name
      self.path = path
    }
  }

  /// In the order of the reader's list; names are distinct.
  package private(set) var files: [File]

  package init(_ files: [File]) { self.files = files }

  /// Files of a folder under their own names; those that are not there are left out.
  /// - Throws: ``FileError`` where the system does not say whether a file is there.
  package init(folder: String, names: [String]) throws {
    files = try names.map { File(name: $0, path: folder + "/" + $0) }.filter { file in
      if access(file.path, F_OK) == 0 { return true }
      guard [ENOENT, ENOTDIR].contains(errno) else { throw FileError(path: file.path, action: .open, code: errno) }
      return false
    }
  }

  package var names: [String] { files.map(\.name) }

  /// Where the file of a name stands; nil when there is none.
  package subscript(name: String) -> String? { files.first { $0.name == name }?.path }

  /// What messages call the whole: the folder that the files stand in, or the one file that goes by another name.
  package var origin: String {
    guard let first = files.first else { return "." }
    guard first.path.utf8.count > first.name.utf8.count + 1, first.path.hasSuffix("/" + first.name) else {
      return first.path
    }
    return String(first.path.dropLast(first.name.count + 1))
  }

  /// The files of both; where a name is in both, it is this set's.
  package func union(_ other: FileSet) -> FileSet { FileSet(files + other.files.filter { self[$0.name] == nil }) }

  /// The files whose names satisfy a condition.
  package func filter(_ isIncluded: (String) -> Bool) -> FileSet { FileSet(files.filter { isIncluded($0.name) }) }
}
