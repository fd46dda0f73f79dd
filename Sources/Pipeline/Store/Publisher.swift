import Diagnostics
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

  /// Publishes a result and returns when it is on the disk.
  ///
  /// `parts` are results that it was made from, `unflushed` files of them that are not on the disk yet. `replaces` says
  /// which of two different results stands in the end, the new one or the one that was there first. `began` is when the work
  /// began, where that matters.
  /// - Returns: The result that now stands under the key, and whether another one was there first.
  /// - Throws: What a validator throws, ``StoreError``, ``SystemError``; then there is no result.
  func publish(
    _ outputs: [Output], preimage: KeyPreimage, parts: [Digest], unflushed: [String], replaces: Bool, began: Int64?
  ) throws -> (result: StoredResult, differs: Bool) {
    try publish(outputs, preimage, parts: parts, flushes: true, with: unflushed, replaces: replaces, began: began)
  }

  /// Publishes a part of a node's work without waiting for the disk.
  ///
  /// It outlives the process; the machine it outlives once ``Store/places(of:)`` are flushed, with the node's result.
  func publish(part output: Output, preimage: KeyPreimage) throws -> StoredResult {
    try publish([output], preimage, parts: [], flushes: false, with: [], replaces: false, began: nil).result
  }

  private func publish(
    _ outputs: [Output], _ preimage: KeyPreimage, parts: [Digest], flushes: Bool, with unflushed: [String],
    replaces: Bool, began: Int64?
  ) throws -> (result: StoredResult, differs: Bool) {
    for output in outputs {
      let view = try stagedView(of: output)
      do { try check(view) } catch {
        throw StoreError.refusedOutput(port: output.port, type: output.type.name, diagnostics(of: error))
      }
    }
    var blobs = StagedBlobs(store: store)
    do {
      let result = try stage(outputs, preimage, parts, began, in: &blobs)
      switch try store.publish(result, blobs, flushes: flushes, with: unflushed, replaces: replaces) {
      case .published, .known: return (result, false)
      case .replaced: return (result, true)
      case .differs(let first): return (first, true)
      }
    } catch {
      blobs.discard()
      throw error
    }
  }

  private func stage(
    _ outputs: [Output], _ preimage: KeyPreimage, _ parts: [Digest], _ began: Int64?, in blobs: inout StagedBlobs
  ) throws -> StoredResult {
    var artefacts: [String: Artefact] = [:]
    var shown: [String: BlobReference] = [:]
    for output in outputs {
      for (member, bytes) in output.staged.shown { shown["\(output.port)/\(member)"] = try blobs.add(bytes) }
      var members: [Artefact.Member] = []
      for (path, file) in output.staged.files {
        members.append(Artefact.Member(path: path, blob: try blobs.add(file: file)))
      }
      members += output.staged.known.map { Artefact.Member(path: $0.key, blob: $0.value) }
      let artefact = Artefact(type: output.type, details: output.staged.details, members: members)
      _ = try blobs.add(Array(artefact.manifest.utf8))
      artefacts[output.port] = artefact
    }
    return StoredResult(
      key: preimage.key, outputs: artefacts, preimage: try blobs.add(Array(preimage.json.text().utf8)),
      parts: parts.isEmpty ? nil : try blobs.add(Array(JSON.array(parts.sorted().map { JSON($0.hex) }).text().utf8)),
      beginning: try began.map {
        StoredResult.Beginning(time: $0, blob: try blobs.add(Array(StoredResult.Beginning.text($0).utf8)))
      },
      shown: shown)
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
