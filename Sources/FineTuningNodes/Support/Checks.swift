import Diagnostics
import ModelFolders
import Pipeline
import PreciseJSON
import TensorFiles
import TokenShards
import Tokenization

/// What outputs of each type must pass before they are published.
package let fineTuningChecks = PublicationCheck([
  ArtefactName.tokens: { view in
    for member in view.members { _ = try TokenShardReader(path: view.path(of: member)) }
  },
  ArtefactName.adapter: { view in _ = try AdapterFolder(view.fileSet) },
  ArtefactName.folder: { view in
    // An exported adapter is such a folder too.
    if view.contains("adapter_config.json") {
      _ = try AdapterFolder(view.fileSet)
    } else {
      _ = try ModelFolder.open(view.fileSet)
    }
  },
  ArtefactName.metrics: { view in try MetricsCheck.check(view) },
  ArtefactName.model: { view in
    guard view.members.contains(where: { $0.hasPrefix(ModelArtefact.base + "/") }) else {
      throw ModelArtefactError.noBase
    }
  },
])

extension ArtefactView {
  /// The members as files that a reader takes by their names.
  fileprivate var fileSet: FileSet {
    get throws { FileSet(try members.map { FileSet.File(name: $0, path: try path(of: $0)) }) }
  }
}

/// Measures that other programs can read: JSON, whole or by lines.
private enum MetricsCheck {
  static func check(_ view: ArtefactView) throws {
    let measures = view.members.filter { $0.hasSuffix(".json") || $0.hasSuffix(".jsonl") }
    guard !measures.isEmpty else {
      throw Diagnostic(
        code: "metrics", "There is no file with measures in it",
        reason: "measures are in files named `*.json`, or with one object a line `*.jsonl`; its files are "
          + "[\(view.members.joined(separator: ", "))]",
        advice: "write `metrics.json`, such as `{\"loss\": 1.5}`")
    }
    for member in measures {
      let text = try textOf(view.path(of: member))
      guard member.hasSuffix(".jsonl") else {
        _ = try JSON(parsing: text, file: member)
        continue
      }
      for line in text.split(separator: "\n") { _ = try JSON(parsing: String(line), file: member) }
    }
  }
}
