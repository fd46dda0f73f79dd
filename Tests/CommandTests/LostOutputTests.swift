import Foundation
import TestKit
import Testing

/// Results that cannot be written where they should go.
@Suite("Standard output") struct LostOutputTests {
  @Test(
    "a result that standard output does not take is no success", arguments: ["report", "show", "runs", "diff last"])
  func lostOutput(command: String) throws {
    let project = try Project(rows: 5)
    #expect(try project.anneal("run", "pipeline.yaml", "rows").code == 0)
    for (place, code) in [("> /dev/full", 1), (">&-", 1), ("| head -c 1 > /dev/null", 0)] {
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      shell.arguments = ["-c", "\"$0\" \(command) \(place)", Project.program]
      shell.currentDirectoryURL = URL(fileURLWithPath: project.folder.path)
      shell.environment = ProcessInfo.processInfo.environment
        .merging(["ANNEAL_STORE": project.folder.path("store"), "NO_COLOR": "1"]) { $1 }
      let messages = Pipe()
      shell.standardError = messages
      try shell.run()
      let said = String(decoding: messages.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      shell.waitUntilExit()
      #expect(shell.terminationStatus == Int32(code), "\(place): \(said)")
      #expect(said.contains("Cannot write to standard output") == (code == 1), "\(place): \(said)")
    }
  }
}
