import Pipeline
import TensorFiles

extension FileSet {
  /// The files as sources, each in the role of its name.
  var requests: [SourceRequest] { files.map { SourceRequest(role: $0.name, path: $0.path, kind: .file) } }
}

extension NodeSources {
  /// The sources as files that a reader takes by their names.
  var fileSet: FileSet { FileSet(files.map { FileSet.File(name: $0.role, path: $0.path) }) }
}
