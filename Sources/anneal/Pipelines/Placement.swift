import Diagnostics
import FineTuningNodes
import Pipeline

/// Puts copies of exports where their `to:` says.
///
/// Where things are put is no part of any key, so this is done after every run, also when nothing ran.
enum Placement {
  /// - Throws: `DiagnosticList` with every folder that cannot be written.
  static func place(_ summary: RunSummary, of pipeline: ResolvedPipeline, store: Store, project: String) throws {
    let view = FolderView(store: store, project: project)
    var problems: [Diagnostic] = []
    for node in pipeline.nodes {
      guard let to = node.fields.of(Export.Fields.self)?.to,
        let export = summary[node.name]?.result?.outputs["folder"]
      else { continue }
      var folder = to.hasPrefix("/") ? to : project + "/" + to
      while folder.hasSuffix("/"), folder.count > 1 { folder.removeLast() }
      do {
        // What the user asked for by name outlives the machine's next second.
        try view.put(
          export.members, into: folder, note: ".placed/\(Digest(of: folder.utf8).hex.prefix(16))", flushes: true)
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
