import Diagnostics
import FineTuningNodes
import Glibc
import Pipeline

/// Puts copies of exports where their `to:` says.
///
/// Where things are put is no part of any key, so this is done after every run, also when nothing ran.
enum Placement {
  /// Finds what is wrong with the folders before anything runs.
  ///
  /// - Throws: `DiagnosticList` with every folder that is the program's own, or that holds a model which no run put there:
  ///   its files would be replaced, or be read as part of the export.
  static func check(_ pipeline: ResolvedPipeline, store: Store, project: String) throws {
    let view = FolderView(store: store, project: project)
    var problems: [Diagnostic] = []
    for node in pipeline.nodes {
      guard let to = node.fields.of(Export.Fields.self)?.to?.text else { continue }
      func report(_ code: String, _ summary: String, _ reason: String, _ advice: String) {
        problems.append(
          Diagnostic(
            code: code, summary, at: node.place, path: "nodes.\(node.name).to", reason: reason, advice: advice))
      }
      let folder = try store.files.resolved(to)
      for own in [store.path, "\(project)/.anneal", "\(project)/results/\(pipeline.name)"] {
        let own = try store.files.resolved(own)
        guard liesIn(own, folder) || liesIn(folder, own) else { continue }
        report(
          "folder-in-use", "The folder `\(to)` is no place for an export", "`\(own)` is kept by the program itself",
          "name a folder of its own")
      }
      let whole = place(to, project)
      if let reason = try unusable(whole, store.files) {
        report("folder-unusable", "The folder `\(to)` is no place for an export", reason, "name another folder")
        continue
      }
      let foreign = try view.foreignNames(in: whole, note: note(whole)).filter(isOfAModel)
      guard !foreign.isEmpty else { continue }
      report(
        "folder-holds-model", "The folder `\(to)` holds files of a model that no run of this project put there",
        "[\(foreign.prefix(6).joined(separator: ", "))\(foreign.count > 6 ? ", …" : "")] would be replaced, or be read as part of the export",
        "name a new folder, or remove them")
    }
    if !problems.isEmpty { throw DiagnosticList(problems) }
  }

  /// Why nothing can be put into a folder; nil as far as can be told before.
  private static func unusable(_ folder: String, _ files: FileSystem) throws -> String? {
    if let found = try files.status(folder) {
      guard found.kind == .folder else { return "a file stands there" }
    } else if try files.status(folder, followsLinks: false) != nil {
      return "a link stands there that leads nowhere"
    }
    var existing = folder
    while try files.status(existing) == nil, existing != "/", existing != "." { existing = parentFolder(of: existing) }
    guard access(existing, W_OK | X_OK) != 0 else { return nil }
    return "`\(existing)`: \(String(cString: strerror(errno)))"
  }

  /// Whether loaders of models take a file for one of a model.
  private static func isOfAModel(_ name: String) -> Bool {
    ["config.json", "adapter_config.json"].contains(name)
      || [".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".gguf"].contains { name.hasSuffix($0) }
  }

  private static func place(_ to: String, _ project: String) -> String {
    var folder = to.hasPrefix("/") ? to : project + "/" + to
    while folder.hasSuffix("/"), folder.count > 1 { folder.removeLast() }
    return folder
  }

  /// Names the note about a folder.
  private static func note(_ folder: String) -> String { ".placed/\(Digest(of: folder.utf8).hex.prefix(16))" }

  /// - Throws: `DiagnosticList` with every folder that cannot be written.
  static func place(_ summary: RunSummary, of pipeline: ResolvedPipeline, store: Store, project: String) throws {
    let view = FolderView(store: store, project: project)
    var problems: [Diagnostic] = []
    for node in pipeline.nodes {
      guard let to = node.fields.of(Export.Fields.self)?.to?.text,
        let export = summary[node.name]?.result?.outputs["folder"]
      else { continue }
      let folder = place(to, project)
      do {
        // What the user asked for by name outlives the machine's next second.
        try view.put(
          export.members, into: folder, note: note(folder), flushes: true)
      } catch {
        problems += diagnostics(of: error).map { problem in
          Diagnostic(
            code: "placement", "Cannot put the export into `\(to)`", at: node.place, path: "nodes.\(node.name).to",
            reason: problem.summary, advice: problem.advice)
        }
      }
    }
    if !problems.isEmpty { throw DiagnosticList(problems) }
  }
}
