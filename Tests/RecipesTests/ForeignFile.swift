import Diagnostics
import FineTuningNodes
import Foundation
import Pipeline
import Recipes
import TestKit

/// A recipe or a file of another program's, in a folder with rows and models that are only looked at.
struct ForeignFile {
  let folder: TemporaryFolder
  let path: String

  /// - Parameters:
  ///   - text: The file; `@` stands for the folder.
  ///   - files: Files beside those that are always there.
  init(_ text: String, files: [String: String] = [:]) throws {
    folder = try TemporaryFolder()
    func lines(_ count: Int, _ row: (Int) -> String) -> String {
      (0..<count).map(row).joined(separator: "\n") + "\n"
    }
    let standard = [
      "tiny/config.json": #"{"max_position_embeddings": 256}"#,
      "tiny/tokenizer_config.json": ##"{"eos_token": "</s>", "bos_token": {"content": "<s>"}}"##,
      "adapter/adapter_config.json": "{}",
      "alpaca.jsonl": lines(10) { #"{"instruction": "Say \#($0).", "input": "", "output": "\#($0)", "system": "s"}"# },
      "talk.jsonl": lines(30) {
        #"{"conversations": [{"from": "human", "value": "Q \#($0)"}, {"from": "gpt", "value": "A"}]}"#
      },
      "chat.jsonl": lines(40) {
        #"{"messages": [{"role": "user", "content": "Q \#($0)"}, {"role": "assistant", "content": "A"}]}"#
      },
      "pairs.jsonl": lines(4) { #"{"prompt": "Q \#($0)", "chosen": "yes", "rejected": "no"}"# },
      "intel.jsonl": lines(4) { #"{"question": "Q \#($0)", "chosen": "yes", "rejected": "no"}"# },
      "judged.jsonl": lines(4) { #"{"prompt": "Q \#($0)", "completion": "yes", "label": true}"# },
      "texts.jsonl": lines(4) { #"{"text": "A text \#($0)."}"# },
      "prompts.jsonl": lines(4) { #"{"prompt": "Q \#($0)", "answer": "4"}"# },
    ]
    for (name, content) in standard.merging(files, uniquingKeysWith: { $1 }) { try folder.write(content, to: name) }
    path = try folder.write(text.replacing("@", with: folder.path) + "\n", to: "file.yaml")
  }

  /// What it becomes, with `@` for the folder.
  ///
  /// - Parameter resolves: Whether problems of nodes are found too.
  func expanded(_ settings: String..., resolves: Bool = false) throws -> Recipe.Outcome {
    let changes = settings.enumerated().map { index, text in
      Override(text: text.replacing("@", with: folder.path), argumentIndex: index + 1, isOption: false)
    }
    do {
      let text = try YAMLText(path: path)
      guard let kind = RecipeFile.kind(of: text) else {
        return Recipe.Outcome(text: "", problems: RecipeFile.unknown(text).map { [plain($0)] } ?? [])
      }
      let expanded = try RecipeFile.expand(
        text, as: kind, settings: changes, hub: HubCache(environment: [:]), registry: fineTuningNodes)
      guard resolves else {
        return Recipe.Outcome(text: plain(expanded.text), problems: expanded.problems.map(plain))
      }
      do {
        let pipeline = try PipelineFile.resolve(
          expanded.pipeline, problems: expanded.problems, registry: fineTuningNodes, sources: SourcesByName())
        return Recipe.Outcome(text: plain(expanded.text), problems: expanded.named(pipeline.warnings).map(plain))
      } catch let list as DiagnosticList {
        return Recipe.Outcome(text: plain(expanded.text), problems: expanded.named(list.diagnostics).map(plain))
      }
    } catch let list as DiagnosticList {
      return Recipe.Outcome(text: "", problems: list.diagnostics.map(plain))
    }
  }

  private func plain(_ text: String) -> String { text.replacing(folder.path, with: "@") }

  private func plain(_ problem: Diagnostic) -> Diagnostic { problem.mapped(plain) }
}

/// Files that are told by their names alone: nothing of them is read.
private struct SourcesByName: SourceDigester {
  func digest(path: String) throws -> (digest: Digest, size: Int) {
    guard try kind(of: path) != nil else { throw SourceError(path: path, .missing) }
    return (Digest(of: path.utf8), 0)
  }

  func kind(of path: String) throws -> SourceKind? {
    switch try pathKind(path) {
    case .folder: .folder
    case .file: .file
    default: nil
    }
  }

  func knownDigest(of file: String) -> Digest? { nil }
  func stamp(of file: String) -> FileStamp? { nil }
  func facets(for key: Digest) -> [String: Facet]? { nil }
  func remember(_ facets: [String: Facet], for key: Digest) {}
  func answer(to question: VersionQuestion) -> String { "" }
}

/// A file, and lines that the pipeline then has, or the problem that it is.
struct ForeignCase {
  var text: String
  var lines: [String] = []
  var problem: (summary: String, reason: String?, advice: String?)?

  init(_ text: String, _ lines: [String]) {
    self.text = text
    self.lines = lines
  }

  init(_ text: String, _ summary: String, _ reason: String?, _ advice: String?) {
    self.text = text
    problem = (summary, reason, advice)
  }

  /// What of ``lines`` the text of a pipeline has not.
  func missing(in text: String) -> [String] {
    let written = text.split(separator: "\n").map { line in String(line.drop { $0 == " " }) }
    return lines.filter { line in !written.contains { $0.hasPrefix(line) } }
  }
}
