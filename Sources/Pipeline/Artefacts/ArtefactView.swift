import PreciseJSON

/// An artefact as a node or a validator sees it: its type, its details, and the files to read.
package struct ArtefactView: Sendable {
  package let artefact: Artefact
  /// Finds the file that holds a member's bytes, verified.
  private let resolve: @Sendable (Artefact.Member) throws -> String

  package init(_ artefact: Artefact, resolve: @escaping @Sendable (Artefact.Member) throws -> String) {
    self.artefact = artefact
    self.resolve = resolve
  }

  /// A published artefact.
  package init(_ artefact: Artefact, in store: Store) {
    self.init(artefact) { try store.path(of: $0.blob) }
  }

  package var type: ArtefactType { artefact.type }
  package var details: JSONObject { artefact.details }
  /// The identity: digest of the manifest.
  package var digest: Digest { artefact.digest }
  /// The paths of the members in byte order.
  package var members: [String] { artefact.members.map(\.path) }

  package func contains(_ member: String) -> Bool { artefact.members.contains { $0.path == member } }

  /// The member with this path.
  /// - Throws: ``StoreError/missingMember(_:known:)``.
  package func member(_ path: String) throws -> Artefact.Member {
    guard let member = artefact.members.first(where: { $0.path == path }) else {
      throw StoreError.missingMember(path, known: members)
    }
    return member
  }

  /// The path on disk of a member's bytes, verified; to be read and never written.
  ///
  /// Its name is a digest, not the member's name.
  ///
  /// - Throws: ``StoreError/missingMember(_:known:)``, ``StoreError/blobLost(_:_:)``.
  package func path(of member: String) throws -> String { try resolve(try self.member(member)) }
}
