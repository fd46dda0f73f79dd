import Diagnostics
import PreciseJSON
import Synchronization

/// All that a running node has of the world: its inputs, its outputs, its sources, and ways to tell how it is going.
///
/// The same in the scheduler's process and in a worker process.
package final class NodeContext: Sendable {
  private struct State {
    var builders: [String: ArtefactBuilder] = [:]
    var parts: Set<Digest> = []
    /// Files of parts that may not be on the disk yet.
    var unflushed: Set<String> = []
    var lost: (blob: BlobReference, damage: BlobDamage)?
    /// How many requests to save the node has heard of.
    var heardSaves = 0
    /// Files outside the store that members of inputs were read from, and what they were.
    var outside: [String: BlobReference] = [:]
  }

  private let job: ActionJob
  let store: Store
  private let keeper: LeaseKeeper
  private let remotes: RemoteCaches
  private let check: PublicationCheck
  let helper: [String]
  let cancellation: Cancellation
  private let report: NodeReport.Receiver
  private let state = Mutex(State())

  init(
    job: ActionJob, store: Store, keeper: LeaseKeeper, remotes: RemoteCaches, check: PublicationCheck,
    helper: [String], cancellation: Cancellation, report: @escaping NodeReport.Receiver
  ) {
    self.job = job
    self.store = store
    self.keeper = keeper
    self.remotes = remotes
    self.check = check
    self.helper = helper
    self.cancellation = cancellation
    self.report = report
    // Those from before it began are not meant for it.
    let requests = cancellation.saveRequests
    state.withLock { $0.heardSaves = requests }
  }

  package var nodeName: String { job.node }
  /// How many threads the node may use.
  ///
  /// Never decides a result.
  package var threads: Int { job.threads }
  /// The action key; for log lines and names of temporary things, never for results.
  package var key: Digest { job.key }

  // MARK: Inputs

  /// The artefact at a port that takes one node and is connected.
  /// - Throws: ``StoreError/unknownPort(_:node:known:)`` when nothing is connected there.
  package func input(_ port: String) throws -> ArtefactView {
    guard let view = inputs(port).first else {
      throw StoreError.unknownPort(port, node: nodeName, known: Set(job.inputs.map(\.port)).sorted())
    }
    return view
  }

  /// The artefacts at a port, in the order of the pipeline file; none when nothing is connected.
  package func inputs(_ port: String) -> [ArtefactView] {
    job.inputs.filter { $0.port == port }.map { view(of: $0.artefact) }
  }

  /// All files and folders outside the store that the node may read: what ``NodeType/sources(_:_:)`` asked for.
  package var sources: NodeSources { NodeSources(job.sources) }

  /// Where the file or folder stands that was asked for in this role.
  /// - Throws: ``StoreError/unknownPort(_:node:known:)``.
  package func source(_ role: String) throws -> String {
    guard let path = sources[role] else {
      throw StoreError.unknownPort(role, node: nodeName, known: job.sources.map(\.role))
    }
    return path
  }

  /// What a source held when the node's key was made.
  func sourceDigest(_ role: String) -> Digest? { job.sources.first { $0.role == role }?.digest }

  private func view(of artefact: Artefact) -> ArtefactView {
    ArtefactView(artefact) { [self] member in try path(of: member) }
  }

  private func path(of member: Artefact.Member) throws -> String {
    do {
      let path = try store.readPath(of: member.blob)
      if path != store.blobPlace(member.blob.digest) { state.withLock { $0.outside[path] = member.blob } }
      return path
    } catch StoreError.blobLost(let blob, let damage) { throw lose(blob, damage) }
  }

  /// The error about a lost blob, kept here too: the node may wrap what it catches in an error of its own.
  private func lose(_ blob: BlobReference, _ damage: BlobDamage) -> StoreError {
    state.withLock { $0.lost = (blob, damage) }
    return .blobLost(blob, damage)
  }

  /// Checks that what the node read outside the store, its sources and members of inputs that are used where they lie, is
  /// still what its key says; what it has read then is that, and not half of something else.
  ///
  /// To be called after reading and before anything made from it is kept. Cost: a look at each file's stamp, and a whole
  /// reading of those whose stamp has moved.
  /// - Throws: ``StoreError/sourceChanged(role:path:)``, ``StoreError/blobLost(_:_:)``.
  func checkReading() throws {
    if let changed = changedSource() { throw changed }
    for (path, blob) in state.withLock({ $0.outside }).sorted(by: { $0.key < $1.key }) {
      guard (try? store.digests.digest(of: path)) == blob else { throw lose(blob, .missing) }
    }
  }

  /// The error about a source that is not what it was when the node's key was made; nil when all are.
  func changedSource() -> StoreError? {
    job.sources.first { (try? store.sources.digest(path: $0.path).digest) != $0.digest }
      .map { StoreError.sourceChanged(role: $0.role, path: $0.path) }
  }

  // MARK: Outputs

  /// Where to make the artefact of an output port.
  /// - Throws: ``StoreError/unknownPort(_:node:known:)``, ``SystemError``.
  package func output(_ port: String) throws -> ArtefactBuilder {
    let known = job.type.outputs(job.fields).map(\.name)
    guard known.contains(port) else { throw StoreError.unknownPort(port, node: nodeName, known: known) }
    return try state.withLock { state in
      if let known = state.builders[port] { return known }
      let builder = try ArtefactBuilder(port: port, folder: "\(job.staging)/out/\(port)", store: store)
      state.builders[port] = builder
      return builder
    }
  }

  /// The artefacts at a port that takes several under names, by those.
  package func namedInputs(_ port: String) -> [(name: String, view: ArtefactView)] {
    job.inputs.filter { $0.port.hasPrefix(port + ".") }.map {
      (String($0.port.dropFirst(port.count + 1)), view(of: $0.artefact))
    }
  }

  /// A folder for files that the node needs while it runs; gone afterwards.
  package func scratchFolder() throws -> String {
    let folder = job.staging + "/scratch"
    try store.files.makeFolder(folder)
    return folder
  }

  /// A folder that stays under the action key until the node completes, also when the process is killed.
  ///
  /// What the node finds there must be verified: a crash may have torn it. To be asked for after files outside the store
  /// were read, which are checked now: what is saved from here on is made from what the key says.
  /// - Throws: ``StoreError/sourceChanged(role:path:)``, ``StoreError/blobLost(_:_:)``, ``SystemError``.
  package func checkpointFolder() throws -> String {
    try checkReading()
    let folder = store.checkpointPlace(job.key)
    try store.files.makeFolder(folder)
    return folder
  }

  /// The bytes that are left where outputs and checkpoints are written; nil where the file system does not say.
  ///
  /// Never decides a result.
  package func freeBytes() throws -> Int? { try store.files.freeBytes(store.path) }

  // MARK: Telling

  package func progress(_ update: ProgressUpdate) { report(.progress(update)) }
  /// Adds a line to the node's log.
  package func log(_ line: String) { report(.log(line)) }
  package func warn(_ diagnostic: Diagnostic) { report(.warning(diagnostic)) }

  /// Whether the node was asked to finish its step, save, and stop.
  package var isCancelled: Bool { cancellation.isRequested }

  /// Whether the node was asked, since it was last told so, to save what is done and go on.
  package func takeSaveRequest() -> Bool {
    let requests = cancellation.saveRequests
    return state.withLock { state in
      defer { state.heardSaves = requests }
      return requests > state.heardSaves
    }
  }

  /// - Throws: ``Interrupted`` when the node was asked to stop. To be called where nothing is lost.
  package func checkCancellation() throws { if isCancelled { throw Interrupted() } }

  // MARK: Parts

  /// A part of the node's work that has a key of its own, taken from the store or made now and published at once: one
  /// record group of a dataset, say.
  ///
  /// A crash later in the node does not lose it, and any node whose part has the same key reuses it. It is flushed to the
  /// disk together with the node's result.
  ///
  /// - Parameters:
  ///   - part: One that the node type declares; says which fields are in the key.
  ///   - reads: What `produce` reads besides the node's fields, by digest: a blob, an artefact where its facets or details
  ///     matter, a source.
  /// - Throws: What `produce` throws, ``StoreError``, ``SystemError``, ``Interrupted``.
  package func memo(
    _ part: Part, reads: [(name: String, value: CanonicalValue)], type: ArtefactType,
    produce: (ArtefactBuilder) throws -> Void
  ) throws -> ArtefactView {
    guard job.type.parts.contains(part) else {
      throw StoreError.undeclaredPart(part.name, type: job.type.name, known: job.type.parts.map(\.name))
    }
    let preimage = part.preimage(of: job.type, job.fields, reads: reads)
    let key = preimage.key
    state.withLock { _ = $0.parts.insert(key) }
    var lease: Lease?
    defer { lease?.release() }
    while true {
      switch try store.result(for: key) {
      case .found(let result):
        // Whoever made it may have been killed before the flush.
        if store.isRecent(key) { try flushLater(result) }
        store.markUsed(key)
        guard let artefact = result.outputs[Self.partPort] else { throw StoreError.unusablePart(part.name) }
        return view(of: artefact)
      case .dead(let reason): try store.bury(key, reason)
      case .none: break
      }
      if lease != nil {
        if try remotes.fetch(key, into: store, flushes: false, stop: cancellation, tell: log) != nil { continue }
        return try make(preimage, type, produce)
      }
      switch try keeper.take(key) {
      case .taken(let taken): lease = taken  // Look again: it may have been published meanwhile.
      case .held:
        try checkCancellation()
        pause(0.1)
      }
    }
  }

  private static let partPort = "part"

  private func make(
    _ preimage: KeyPreimage, _ type: ArtefactType, _ produce: (ArtefactBuilder) throws -> Void
  ) throws -> ArtefactView {
    let builder = try ArtefactBuilder(
      port: Self.partPort, folder: "\(job.staging)/part-\(uniqueName())", store: store)
    try produce(builder)
    try checkReading()
    let publisher = Publisher(store: store, check: check)
    let staged = try builder.staged()
    let output = Publisher.Output(port: Self.partPort, type: staged.type ?? type, staged: staged)
    let result = try publisher.publish(part: output, preimage: preimage)
    try flushLater(result)
    guard let artefact = result.outputs[Self.partPort] else { throw StoreError.unusablePart(preimage.key.short) }
    return view(of: artefact)
  }

  private func flushLater(_ part: StoredResult) throws {
    let places = try store.places(of: part)
    state.withLock { $0.unflushed.formUnion(places) }
  }

  // MARK: For the engine

  var builders: [String: ArtefactBuilder] { state.withLock { $0.builders } }
  var parts: [Digest] { state.withLock { $0.parts.sorted() } }
  var unflushed: [String] { state.withLock { $0.unflushed.sorted() } }
  var lost: (blob: BlobReference, damage: BlobDamage)? { state.withLock { $0.lost } }
}
