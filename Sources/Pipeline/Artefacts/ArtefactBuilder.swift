import PreciseJSON
import Synchronization

/// Where a node makes the artefact of one output port: files are written into a folder of its own, type and details are
/// set, and files that exist already are referenced.
package final class ArtefactBuilder: Sendable {
  private struct State {
    var type: ArtefactType?
    var details = JSONObject()
    var known: [String: BlobReference] = [:]
    /// Members whose paths were given out.
    var promised: Set<String> = []
    var shown: [String: [UInt8]] = [:]
  }

  package let port: String
  /// The folder whose files become the artefact, by their relative paths.
  ///
  /// On the store's file system, so that publishing moves and does not copy.
  package let folder: String
  let store: Store
  private let state = Mutex(State())

  init(port: String, folder: String, store: Store) throws {
    self.port = port
    self.folder = folder
    self.store = store
    try store.files.makeFolder(folder)
  }

  /// What the node says about the content, such as counts of rows; it must follow from the content alone.
  package var details: JSONObject {
    get { state.withLock { $0.details } }
    set { state.withLock { $0.details = newValue } }
  }

  /// Where to write a member, which must then be written; its folder exists.
  /// - Throws: ``StoreError/invalidMemberPath(_:port:)``.
  package func path(for member: String) throws -> String {
    try check(member)
    let path = folder + "/" + member
    try store.makeFolder(above: path)
    state.withLock { _ = $0.promised.insert(member) }
    return path
  }

  /// Writes a whole member.
  package func write(_ bytes: [UInt8], to member: String) throws {
    // Flushed when it is published.
    try store.files.undurable.create(try path(for: member), bytes)
  }

  package func write(_ text: String, to member: String) throws { try write(Array(text.utf8), to: member) }

  /// Writes a whole member that has measured values beside the computed ones: speeds, times.
  ///
  /// The artefact holds what is computed, so that the same work makes the same bytes; people are shown the fuller text,
  /// which is kept beside the result and is in no key.
  package func write(_ computed: String, shownAs measured: String, to member: String) throws {
    try write(Array(computed.utf8), shownAs: Array(measured.utf8), to: member)
  }

  /// As with texts.
  package func write(_ computed: [UInt8], shownAs measured: [UInt8], to member: String) throws {
    try write(computed, to: member)
    state.withLock { $0.shown[member] = measured }
  }

  /// Says more exactly what the artefact is than could be inferred: facets that only the content tells.
  package func set(type: ArtefactType) { state.withLock { $0.type = type } }

  /// Makes a file outside the store a member without copying it, for large files that the user keeps anyway.
  ///
  /// Should the file change or vanish, the node runs again.
  package func reference(_ member: String, externalPath: String) throws {
    try check(member)
    let blob = try store.addReference(to: externalPath)
    state.withLock { $0.known[member] = blob }
  }

  /// Makes a member of another artefact a member of this one without copying it.
  package func include(_ member: String, from other: ArtefactView, as name: String? = nil) throws {
    let blob = try other.member(member).blob
    let name = name ?? member
    try check(name)
    state.withLock { $0.known[name] = blob }
  }

  func check(_ member: String) throws {
    guard isValidMemberPath(member) else { throw StoreError.invalidMemberPath(member, port: port) }
  }

  // MARK: For the engine

  /// What was made, before it is published.
  struct Staged {
    var type: ArtefactType?
    var details: JSONObject
    /// Files in the folder, by member path.
    var files: [String: String]
    /// Members that are blobs already.
    var known: [String: BlobReference]
    /// What people are shown in place of members.
    var shown: [String: [UInt8]]
  }

  func staged() throws -> Staged {
    var files: [String: String] = [:]
    try collect(folder, prefix: "", into: &files)
    let state = state.withLock { $0 }
    if let member = state.promised.filter({ files[$0] == nil }).min() {
      throw StoreError.unwrittenMember(member, port: port)
    }
    return Staged(type: state.type, details: state.details, files: files, known: state.known, shown: state.shown)
  }

  private func collect(_ folder: String, prefix: String, into found: inout [String: String]) throws {
    for name in try store.files.names(in: folder) {
      let path = folder + "/" + name
      switch try store.files.status(path)?.kind {
      case .folder?: try collect(path, prefix: prefix + name + "/", into: &found)
      case .file?:
        try check(prefix + name)
        found[prefix + name] = path
      default: throw StoreError.invalidMemberPath(prefix + name, port: port)
      }
    }
  }
}
