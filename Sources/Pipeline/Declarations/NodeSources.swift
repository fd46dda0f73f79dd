/// A file or folder outside the store that a node reads.
package struct SourceRequest: Sendable, Hashable {
  /// What it is to the node, such as `tokenizer_config.json`.
  ///
  /// It is part of the key, so that the same bytes in another role are another source. Where a text names the file it is
  /// the text's place: `rewards[1].command[0]`.
  package var role: String
  /// As the user wrote it, relative to the folder that the program is started in.
  package var path: String
  /// What must stand there; nil takes either.
  package var kind: SourceKind?

  package init(role: String, path: String, kind: SourceKind? = nil) {
    self.role = role
    self.path = path
    self.kind = kind
  }
}

/// The sources of a node as it is handed them: all that it may read outside the store, by role.
///
/// The engine makes it from what ``NodeType/sources(_:_:)`` asked for.
package struct NodeSources: Sendable, Hashable {
  package struct File: Sendable, Hashable {
    package let role: String
    package let path: String
  }

  /// In the order in which they were asked for.
  package let files: [File]

  package init(_ requests: [SourceRequest]) { files = requests.map { File(role: $0.role, path: $0.path) } }
  init(_ sources: [ActionJob.Source]) { files = sources.map { File(role: $0.role, path: $0.path) } }
  init(_ sources: [ResolvedNode.ResolvedSource]) { files = sources.map { File(role: $0.role, path: $0.path) } }

  /// Where the first source of a role stands; nil when none was asked for.
  package subscript(role: String) -> String? { files.first { $0.role == role }?.path }
}
