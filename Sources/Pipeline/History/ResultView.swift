/// Shows the outputs of a run under `results/<pipeline>/<node>/`, as files that the user may do anything with.
///
/// An artefact that is shown already is left alone.
package struct ResultView: Sendable {
  private let view: FolderView
  private let project: String

  package init(store: Store, project: String) {
    view = FolderView(store: store, project: project)
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
      let outputs = result.outputs.filter { ports.contains($0.key) }
      // A single output needs no folder of its own.
      let members = outputs.flatMap { port, artefact in
        artefact.members.map { member in
          Artefact.Member(
            path: outputs.count == 1 ? member.path : "\(port)/\(member.path)", blob: result.shown(member, at: port))
        }
      }.sorted { $0.path < $1.path }
      try view.put(members, into: project + "/" + place, note: "\(summary.pipeline)/\(name)")
      shown.append((name, place))
    }
    return shown
  }
}
