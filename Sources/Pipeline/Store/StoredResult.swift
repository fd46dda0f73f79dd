import PreciseJSON

/// What an action made, as the store keeps it: the artefact of each output port, and the preimage of its key.
package struct StoredResult: Sendable {
  package let key: Digest
  package let outputs: [String: Artefact]
  /// JSON text of the key's preimage, for `anneal why`.
  package let preimage: BlobReference
  /// JSON list of the action keys of the sub-results it was made from, which live as long as it does; nil when it has
  /// none.
  package let parts: BlobReference?
  /// When the work began that made it, in nanoseconds since 1970: kept for work that reads the world outside, as the blob
  /// that says so.
  let beginning: Beginning?
  package var began: Int64? { beginning?.time }
  /// What is shown to people in place of a member, by `port/member`: its text with measured values.
  ///
  /// Another run of the same work measures otherwise: they are no part of any artefact or key.
  let shown: [String: BlobReference]

  /// The blob to show to people of a member at a port.
  package func shown(_ member: Artefact.Member, at port: String) -> BlobReference {
    shown["\(port)/\(member.path)"] ?? member.blob
  }

  /// The digest of an output's manifest: what enters the keys of the nodes that read it.
  package func digest(of port: String) -> Digest? { outputs[port]?.digest }

  package var digests: [String: Digest] { outputs.mapValues(\.digest) }

  struct Beginning: Sendable, Hashable {
    var time: Int64
    var blob: BlobReference

    /// The text of the blob.
    static func text(_ time: Int64) -> String { JSON([("began", JSON(Int(time)))]).text() }

    /// Nil for a text that says no time.
    init?(_ bytes: [UInt8], blob: BlobReference) {
      guard let time = try? JSON(parsing: bytes, file: beginningName)["began"]?.int else { return nil }
      self.init(time: Int64(time), blob: blob)
    }

    init(time: Int64, blob: BlobReference) {
      self.time = time
      self.blob = blob
    }
  }

  static let preimageName = "preimage.json"
  static let partsName = "parts.json"
  static let manifestName = "manifest.json"
  static let beginningName = "began.json"
  /// Before the `port/member` of what is shown in place of a member; no port has such a name.
  static let shownPrefix = ".shown/"

  /// The entry to write under the key.
  ///
  /// Ports and members stand in byte order, so equal results are equal bytes.
  var actionResult: ActionResult {
    var list: [ActionResult.File] = []
    for (port, artefact) in outputs.sorted(by: { $0.key < $1.key }) {
      list.append(.init(path: "\(port)/\(Self.manifestName)", blob: artefact.manifestBlob))
      list += artefact.members.map { .init(path: "\(port)/\($0.path)", blob: $0.blob) }
    }
    list.append(.init(path: Self.preimageName, blob: preimage))
    if let parts { list.append(.init(path: Self.partsName, blob: parts)) }
    if let beginning { list.append(.init(path: Self.beginningName, blob: beginning.blob)) }
    for (member, blob) in shown.sorted(by: { $0.key < $1.key }) {
      list.append(.init(path: Self.shownPrefix + member, blob: blob))
    }
    return ActionResult(files: list)
  }
}

/// What the store knows under an action key.
package enum ResultState: Sendable {
  case none
  /// Complete and verified.
  case found(StoredResult)
  /// There is an entry, and it cannot be used.
  case dead(DeadEntry)
}

/// Why an entry cannot be used.
package enum DeadEntry: Sendable, Hashable {
  /// The entry itself is damaged.
  case entry
  /// One of the files it lists, by its path in the entry, is missing or damaged.
  case file(String, BlobReference, BlobDamage)
  /// It was made from a damaged blob, while nobody knew of the damage.
  case madeFrom(Digest)

  /// The words behind "its result cannot be used:".
  package var words: String {
    switch self {
    case .entry: "its entry in the store is damaged"
    case .file(let path, let blob, .missing): "`\(path)` (blob `\(blob.digest.short)`) is missing from the store"
    case .file(let path, let blob, .corrupt):
      "`\(path)` (blob `\(blob.digest.short)`) is damaged: its bytes do not match its name"
    case .madeFrom(let blob): "it may have been made from the damaged blob `\(blob.short)`"
    }
  }
}
