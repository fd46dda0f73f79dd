import Foundation
import Pipeline

/// A folder with a store, a counter of executed nodes, and toy pipelines to run in it.
package final class ToyWorkspace: Sendable {
  package let folder: TemporaryFolder
  package let store: Store
  /// Each executed toy node with `count_in: COUNT` adds a line here.
  package let counter: String

  /// - Parameter place: An existing folder to make its own in; the system's for temporary files unless given.
  package init(in place: String? = nil, files: FileSystem = FileSystem(isDurable: false)) throws {
    folder = try TemporaryFolder(in: place)
    store = Store(path: folder.path("store"), files: files)
    counter = folder.path("count")
  }

  /// The same store as another process would open it: nothing remembered in memory.
  package func reopened(files: FileSystem = FileSystem(isDurable: false)) -> Store {
    Store(path: store.path, files: files)
  }

  /// Reads a pipeline text; `COUNT` stands for the counter's path and `DIR` for the folder's.
  package func pipeline(_ text: String, store: Store? = nil) throws -> ResolvedPipeline {
    let text = text.replacingOccurrences(of: "COUNT", with: counter)
      .replacingOccurrences(of: "DIR", with: folder.path)
    return try PipelineFile.load(
      text: text, file: "toy.yaml", registry: ToyNodes.registry, sources: (store ?? self.store).sources)
  }

  /// A scheduler whose heavy nodes run in this process too, unless a worker program is given.
  package func scheduler(
    store: Store? = nil, worker: [String]? = nil, heavy: (any Executor)? = nil,
    remotes: RemoteCaches = RemoteCaches(), sinks: [any EventSink] = [],
    expectations: @escaping Expectations = { _, _ in [:] }, beat: Double = 0.2
  ) -> Scheduler {
    let store = store ?? self.store
    let keeper = LeaseKeeper(store: store, interval: beat)
    let inProcess = InProcessExecutor(store: store, keeper: keeper, remotes: remotes, check: ToyNodes.check)
    let logs = folder.path
    return Scheduler(
      store: store, check: ToyNodes.check, worker: worker, heavy: heavy ?? (worker == nil ? inProcess : nil),
      keeper: keeper,
      remotes: remotes,
      expectations: expectations, sinks: sinks, logPath: { "\(logs)/\($0).log" })
  }

  /// Runs a pipeline text.
  @discardableResult
  package func run(
    _ text: String, store: Store? = nil, worker: [String]? = nil, heavy: (any Executor)? = nil,
    remotes: RemoteCaches = RemoteCaches(),
    options: RunOptions = RunOptions(), sinks: [any EventSink] = [], cancellation: Cancellation = Cancellation()
  ) throws -> RunSummary {
    try scheduler(store: store, worker: worker, heavy: heavy, remotes: remotes, sinks: sinks).run(
      try pipeline(text, store: store), id: RunHistory.newIdentifier(), project: folder.path, options: options,
      cancellation: cancellation)
  }

  /// The names of the nodes executed since the last call, in their order.
  package func executed() throws -> [String] {
    defer { try? FileManager.default.removeItem(atPath: counter) }
    let bytes = try FileSystem().read(counter) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The text at an output of a node.
  package func text(_ summary: RunSummary, _ node: String, _ port: String = "text", store: Store? = nil) throws
    -> String?
  {
    try summary[node]?.result?.outputs[port].map { try ArtefactView($0, in: store ?? self.store).text() }
  }

  /// The paths of all blobs in the store.
  package func blobs() throws -> [String] {
    let root = store.path + "/cas"
    return try FileSystem().names(in: root).flatMap { shard in
      try FileSystem().names(in: "\(root)/\(shard)").map { "\(root)/\(shard)/\($0)" }
    }
  }
}

/// Flips one bit of a file, whatever its mode, and keeps its size.
///
/// Waits first until a new change is sure to have another time than the last one.
package func flipBit(in path: String, at offset: Int = 0) throws {
  Thread.sleep(forTimeInterval: 0.06)
  var bytes = try FileSystem().read(path) ?? []
  let manager = FileManager.default
  if bytes.isEmpty { bytes = [0] } else { bytes[offset % bytes.count] ^= 0x10 }
  try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
  let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  try handle.write(contentsOf: Data(bytes))
  try handle.close()
  try manager.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
}

extension ToyWorkspace {
  /// Flips one bit of a file without a trace in what the store believes of it, as a disk does whose bits rot: the store
  /// knows the new stamp as that of the old bytes.
  package func rot(_ path: String, at offset: Int = 0) throws {
    let before = Digest(of: try FileSystem().read(path) ?? [])
    try flipBit(in: path, at: offset)
    // A stamp proves something when the file has been left alone for a while.
    Thread.sleep(forTimeInterval: 0.08)
    guard let stamp = try FileSystem().status(path)?.stamp else { return }
    reopened().digests.remember(before, for: stamp, readFrom: wallClock())
  }

  /// The path of the blob that holds a text.
  package func blob(of text: String) -> String { store.blobPlace(Digest(of: text.utf8)) }
}

/// Collects the events of a run.
package final class EventCollector: EventSink, @unchecked Sendable {
  // Sinks are called one event at a time, and tests read when the run has ended.
  package private(set) var events: [RunEvent] = []

  package init() {}
  package func receive(_ event: RunEvent, time: Double) { events.append(event) }
}

/// The program `ToyEngine`, which lies beside the test bundle; nil when it was not built.
package func toyEngine() -> String? {
  let me = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
  var folder = URL(fileURLWithPath: me).deletingLastPathComponent().path
  for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
    folder = URL(fileURLWithPath: argument).deletingLastPathComponent().path
  }
  let path = folder + "/ToyEngine"
  return FileManager.default.isExecutableFile(atPath: path) ? path : nil
}
