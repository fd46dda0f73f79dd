import Glibc
import PreciseJSON

/// Shows the outputs of a run under `results/<pipeline>/<node>/`, as files that the user may do anything with.
///
/// Each file is a reflink where the file system has them (btrfs, XFS) and a copy elsewhere; never a hard link: editing a
/// linked file in place would change the store's blob. An artefact that is shown already is left alone.
package struct ResultView: Sendable {
  private let store: Store
  private let project: String

  package init(store: Store, project: String) {
    self.store = store
    self.project = project
  }

  /// Where the outputs of a node are shown, relative to the project.
  package static func place(pipeline: String, node: String) -> String { "results/\(pipeline)/\(node)" }

  /// Shows the pipeline's outputs that were made or found in a run.
  /// - Returns: The folders shown, by node.
  /// - Throws: ``SystemError``, ``StoreError/blobLost(_:_:)``.
  package func show(_ summary: RunSummary, of pipeline: ResolvedPipeline) throws -> [(node: String, path: String)] {
    var shown: [(node: String, path: String)] = []
    let wanted = Dictionary(grouping: pipeline.outputs, by: \.node).mapValues { Set($0.map(\.port)) }
    for (name, ports) in wanted.sorted(by: { $0.key < $1.key }) {
      guard let result = summary[name]?.result else { continue }
      let place = Self.place(pipeline: summary.pipeline, node: name)
      try show(result, ports, at: place, marker: "\(summary.pipeline)/\(name)")
      shown.append((name, place))
    }
    return shown
  }

  private func show(_ result: StoredResult, _ ports: Set<String>, at place: String, marker: String) throws {
    let outputs = result.outputs.filter { ports.contains($0.key) }
    let folder = project + "/" + place
    let markerPath = "\(project)/.anneal/views/\(marker).json"
    // A single output needs no folder of its own.
    let members = outputs.flatMap { port, artefact in
      artefact.members.map { member in
        (path: outputs.count == 1 ? member.path : "\(port)/\(member.path)", blob: result.shown(member, at: port))
      }
    }.sorted { $0.path < $1.path }
    let content = JSON(members.map { (key: $0.path, value: JSON($0.blob.digest.hex)) }).text()
    let before = try store.files.read(markerPath).map { String(decoding: $0, as: UTF8.self) }
    let isComplete = try members.allSatisfy { member in
      try store.files.status("\(folder)/\(member.path)")?.stamp.size == member.blob.size
    }
    if before == content, isComplete { return }
    try store.files.remove(markerPath)
    try removeShown(before, folder)
    for member in members {
      let target = "\(folder)/\(member.path)"
      try store.makeFolder(above: target)
      let staged = "\(target).\(uniqueName())"
      try Self.clone(try store.path(of: member.blob), to: staged)
      try store.files.rename(staged, to: target)
    }
    try store.makeFolder(above: markerPath)
    // Flushed no more than what it tells of: losing it costs another copy.
    try store.files.undurable.replace(
      markerPath, Array(content.utf8), temporary: "\(markerPath).\(uniqueName())")
  }

  /// Removes the files that an earlier run showed here, and nothing that the user put beside them.
  private func removeShown(_ marker: String?, _ folder: String) throws {
    guard let marker, let json = try? JSON(parsing: marker) else { return }
    for path in json.object?.keys ?? [] where isValidMemberPath(path) { try store.files.remove("\(folder)/\(path)") }
  }

  /// Makes `target` a file with the bytes of `source` that shares nothing with it but, at best, the blocks on disk.
  private static func clone(_ source: String, to target: String) throws {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw SystemError("open", source) }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard to >= 0 else { throw SystemError("write", target) }
    defer { close(to) }
    // FICLONE of linux/fs.h.
    if ioctl(to, 0x4004_9409, from) == 0 { return }
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = read(from, &chunk, chunk.count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw SystemError("read", source) }
      if got == 0 { return }
      do { try FileSystem.writeAll(to, chunk[..<got], target) } catch {
        unlink(target)
        throw error
      }
    }
  }
}
