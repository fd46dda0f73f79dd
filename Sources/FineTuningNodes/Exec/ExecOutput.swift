import Pipeline

/// What a program may make for other nodes; the name is that of the artefact's type.
package enum ExecOutput: String, FieldChoice {
  case adapter
  case metrics
  case folder
  case files

  var artefact: String {
    switch self {
    case .adapter: ArtefactName.adapter
    case .metrics: ArtefactName.metrics
    case .folder: ArtefactName.folder
    case .files: ArtefactName.files
    }
  }

  /// What becomes of it, for the page about node types.
  static let doc =
    "What it makes, each in a folder of its own: `adapter` (a PEFT folder, for `attach_adapter`), `metrics` (`*.json` or "
    + "`*.jsonl`), `folder` (a model or adapter as other tools load it, for `load_model`), `files` (anything, for "
    + "`load_dataset` and other programs)"
}
