import PreciseJSON

/// Makes finished outputs visible in the store, all or nothing: first every output is checked, then every blob is
/// moved in, last the one entry is written that makes them a result.
struct Publisher: Sendable {
  /// An output, ready to be published.
  struct Output: Sendable {
    var port: String
    var type: ArtefactType
    var staged: ArtefactBuilder.Staged
  }

  let store: Store
  let check: PublicationCheck

  /// - Returns: The result that now stands under the key, and whether another one was there first.
  /// - Throws: What a validator throws, ``StoreError``, ``SystemError``; then there is no result.
  func publish(
    _ outputs: [Output], preimage: KeyPreimage, parts: [Digest]
  ) throws -> (result: StoredResult, differs: Bool) {
    for output in outputs { try check(try stagedView(of: output)) }
    var artefacts: [String: Artefact] = [:]
    for output in outputs {
      var members: [Artefact.Member] = []
      for (path, file) in output.staged.files {
        members.append(Artefact.Member(path: path, blob: try store.publish(stagedAt: file)))
      }
      members += output.staged.known.map { Artefact.Member(path: $0.key, blob: $0.value) }
      let artefact = Artefact(type: output.type, details: output.staged.details, members: members)
      _ = try store.publish(Array(artefact.manifest.utf8))
      artefacts[output.port] = artefact
    }
    let result = StoredResult(
      key: preimage.key, outputs: artefacts, preimage: try store.publish(Array(preimage.json.text().utf8)),
      parts: parts.isEmpty
        ? nil : try store.publish(Array(JSON.array(parts.sorted().map { JSON($0.hex) }).text().utf8)))
    switch try store.publish(result) {
    case .published, .known: return (result, false)
    case .differs(let first): return (first, true)
    }
  }

  /// The output as it will be, with members that still lie in the staging folder.
  ///
  /// Digests of staged files are not known yet; validators read files, not digests.
  private func stagedView(of output: Output) throws -> ArtefactView {
    let staged = output.staged
    let unknown = Digest(of: [])
    var members = staged.known.map { Artefact.Member(path: $0.key, blob: $0.value) }
    for (path, file) in staged.files {
      let size = try store.files.status(file)?.stamp.size ?? 0
      members.append(Artefact.Member(path: path, blob: BlobReference(digest: unknown, size: size)))
    }
    let artefact = Artefact(type: output.type, details: staged.details, members: members)
    return ArtefactView(artefact) { [store] member in
      if let file = staged.files[member.path] { return file }
      return try store.path(of: member.blob)
    }
  }
}
