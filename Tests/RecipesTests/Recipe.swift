import Diagnostics
import Foundation
import Pipeline
import Recipes
import TestKit

/// A LLaMA-Factory file in a folder with datasets, of which nothing but the text is given.
struct Recipe {
  /// What became of it: the text, and everything wrong.
  struct Outcome {
    var text: String
    var problems: [Diagnostic]

    /// The problems as a terminal shows them.
    var rendered: String { problems.rendered() }
  }

  static let head = """
    model_name_or_path: tiny
    do_train: true
    dataset: rows
    """

  let folder: TemporaryFolder
  let path: String

  /// - Parameters:
  ///   - keys: Lines beside ``head``, whose keys go before those of it.
  ///   - registry: What stands in `dataset_info.json`.
  init(_ keys: String, registry: String? = nil, head: String = Self.head) throws {
    folder = try TemporaryFolder()
    let given = Set(keys.split(separator: "\n").compactMap { $0.split(separator: ":").first })
    let kept = head.split(separator: "\n").filter { line in !given.contains(line.split(separator: ":")[0]) }
    let stage = keys.contains("stage: pt") ? "data/texts.json" : "data/rows.json"
    let whole =
      registry ?? """
        {"rows": {"file_name": "\(stage.dropFirst(5))"\(keys.contains("stage: pt") ? #", "columns": {"prompt": "text"}"# : "")},
         "more": {"file_name": "rows.json"},
         "pairs": {"file_name": "pairs.json", "ranking": true, "columns": {"prompt": "instruction", "chosen": "chosen", "rejected": "rejected"}},
         "judged": {"file_name": "judged.json", "columns": {"prompt": "instruction", "response": "output", "kto_tag": "good"}}}
        """
    try folder.write(whole, to: "data/dataset_info.json")
    try folder.write(#"[{"instruction": "Hi", "output": "Hello."}]"#, to: "data/rows.json")
    try folder.write(#"[{"text": "A text."}]"#, to: "data/texts.json")
    try folder.write(#"[{"instruction": "Hi", "chosen": "Hello.", "rejected": "No."}]"#, to: "data/pairs.json")
    try folder.write(#"[{"instruction": "Hi", "output": "Hello.", "good": true}]"#, to: "data/judged.json")
    try folder.write(#"{"num_hidden_layers": 4}"#, to: "tiny/config.json")
    try folder.write("{}", to: "adapter/adapter_config.json")
    // Paths of a file start at the folder that a command is run in, and tests run in one of their own.
    let located = (kept.map(String.init) + [keys]).joined(separator: "\n")
      .replacing("model_name_or_path: tiny", with: "model_name_or_path: \(folder.path)/tiny")
      .replacing("ref_model: tiny", with: "ref_model: \(folder.path)/tiny")
      .replacing("adapter_name_or_path: adapter", with: "adapter_name_or_path: \(folder.path)/adapter")
      .replacing(",adapter", with: ",\(folder.path)/adapter")
    let hasFolder = located.contains("dataset_dir:")
    path = try folder.write(located + (hasFolder ? "" : "\ndataset_dir: \(folder.path)/data") + "\n", to: "train.yaml")
  }

  /// The file with the folder's own path taken out, so that texts can be compared.
  func expanded(_ settings: String..., environment: [String: String] = [:]) throws -> Outcome {
    let changes = settings.enumerated().map { Override(text: $1, argumentIndex: $0 + 1, isOption: false) }
    do {
      let expanded = try LLaMAFactoryFile.expand(
        try YAMLText(path: path), settings: changes, hub: HubCache(environment: environment))
      return Outcome(text: plain(expanded.text), problems: expanded.problems.map(plain))
    } catch let error as DiagnosticList {
      return Outcome(text: "", problems: error.diagnostics.map(plain))
    }
  }

  private func plain(_ text: String) -> String { text.replacing(folder.path + "/", with: "") }

  private func plain(_ problem: Diagnostic) -> Diagnostic { problem.mapped(plain) }
}

extension Diagnostic {
  /// The same problem with other texts.
  func mapped(_ change: (String) -> String) -> Diagnostic {
    var problem = self
    problem.summary = change(summary)
    problem.reason = reason.map(change)
    problem.advice = advice.map(change)
    if var place {
      place.file = change(place.file)
      problem.place = place
    }
    if var excerpt {
      excerpt.line = change(excerpt.line)
      problem.excerpt = excerpt
    }
    return problem
  }
}
