import ArgumentParser
import Diagnostics
import Foundation

/// `anneal init`: a folder to start from.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Writes a commented pipeline and five rows of data to start from.")

  @Argument(help: "The folder; made when it is not there.")
  var folder = "."

  @Option(help: "The model to tune: a folder as the Hugging Face hub has them, or a .gguf file.")
  var base = "models/SmolLM2-135M-Instruct.Q4_1.gguf"

  func run() throws {
    try reportingProblems {
      let files = [
        (name: Starter.pipelineName, text: Starter.pipeline(base: base)), (name: Starter.dataName, text: Starter.data),
      ]
      // Nothing of the user's is written over, and nothing is written by halves.
      for file in files where FileManager.default.fileExists(atPath: place(file.name)) {
        throw Diagnostic(
          code: "file-exists", "`\(place(file.name))` is there already", reason: "nothing was written",
          advice: "name another folder, such as `anneal init my-experiment`")
      }
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for file in files { try Data(file.text.utf8).write(to: URL(fileURLWithPath: place(file.name))) }
      } catch let error as CocoaError {
        throw Diagnostic(
          code: "write", "Cannot write into `\(folder)`", at: nil, reason: error.localizedDescription,
          advice: "name a folder that you may write")
      }
      for file in files { Terminal.put(place(file.name)) }
      let change = folder == "." ? "" : "cd \(folder) && "
      Terminal.say("Next: \(change)anneal plan \(Starter.pipelineName)")
    }
  }

  private func place(_ name: String) -> String { folder == "." ? name : folder + "/" + name }
}
