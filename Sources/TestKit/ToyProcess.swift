import Foundation
import Pipeline

/// A run of the program `ToyEngine` in a process of its own.
package final class ToyProcess {
  package struct Ending {
    /// The exit code, or minus the signal that killed it.
    package var code: Int32
    package var output: String

    /// `name state port=digest …`, by node name.
    package var nodes: [String: String] {
      var nodes: [String: String] = [:]
      for line in output.split(separator: "\n") {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        if words.count == 2 { nodes[words[0]] = words[1] }
      }
      return nodes
    }

    package func changes() -> Int? { nodes["changes"].flatMap { Int($0) } }
  }

  package let process = Process()
  private let pipe = Pipe()

  /// Starts a run of the pipeline file `toy.yaml` of a workspace.
  package init(_ workspace: ToyWorkspace, program: String, arguments: [String] = [], prefix: String = "") throws {
    let command =
      ([program, "run", workspace.folder.path("toy.yaml"), workspace.store.path, workspace.folder.path]
      + arguments).map { "'\($0)'" }.joined(separator: " ")
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "\(prefix) \(prefix.hasPrefix("exec") ? "" : "exec ")\(command)"]
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
  }

  package func end() -> Ending {
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let isKilled = process.terminationReason == .uncaughtSignal
    return Ending(
      code: isKilled ? -process.terminationStatus : process.terminationStatus,
      output: String(decoding: data, as: UTF8.self))
  }
}

extension ToyWorkspace {
  /// Writes the pipeline file that ``ToyProcess`` runs.
  package func write(pipeline text: String) throws {
    let text = text.replacingOccurrences(of: "COUNT", with: counter)
      .replacingOccurrences(of: "DIR", with: folder.path)
    try folder.write(text, to: "toy.yaml")
  }
}
