import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline

/// Puts copies of exports where their `to:` says.
///
/// Where things are put is no part of any key, so this is done after every run, also when nothing ran.
enum Placement {
  /// - Throws: ``Diagnostic`` when a folder cannot be written.
  static func place(_ summary: RunSummary, of pipeline: ResolvedPipeline, store: Store, project: String) throws {
    for node in pipeline.nodes {
      guard let to = node.fields.of(Export.Fields.self)?.to,
        let folder = summary[node.name]?.result?.outputs["folder"]
      else { continue }
      let target = URL(fileURLWithPath: to, relativeTo: URL(fileURLWithPath: project + "/"))
      do {
        for member in folder.members {
          try copy(store.path(of: member.blob), to: target.appendingPathComponent(member.path), size: member.blob.size)
        }
      } catch let error as CocoaError {
        throw Diagnostic(
          code: "placement", "Cannot put the export into `\(to)`", at: node.place, path: "nodes.\(node.name).to",
          reason: error.localizedDescription)
      }
    }
  }

  private static func copy(_ source: String, to target: URL, size: Int) throws {
    let files = FileManager.default
    if files.contentsEqual(atPath: source, andPath: target.path) { return }
    try files.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    let staged = target.deletingLastPathComponent().appendingPathComponent(".\(UUID().uuidString)")
    try files.copyItem(at: URL(fileURLWithPath: source), to: staged)
    try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: staged.path)
    _ = try files.replaceItemAt(target, withItemAt: staged)
  }
}
