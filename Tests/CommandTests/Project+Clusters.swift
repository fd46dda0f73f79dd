import Foundation
import TestKit

extension Project {
  /// What a command of the shell in the project's folder wrote beside a cluster that a script of this project starts.
  ///
  /// `$ANNEAL` is the program. Eight minutes are all it has, for machines that do much else.
  func beside(_ script: String, _ command: String) throws -> (code: Int32, text: String) {
    let process = Process()
    let output = folder.path("\(script)-output")
    try Data().write(to: URL(fileURLWithPath: output))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.executableURL = URL(fileURLWithPath: Self.repository + "/scripts/" + script)
    process.arguments = ["/bin/sh", "-c", command]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging([
      "ANNEAL_STORE": folder.path("store"), "NO_COLOR": "1", "ANNEAL": Self.program, "SLURM_HERE_SECONDS": "480",
      "RAY_HERE_SECONDS": "480",
    ]) { $1 }
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
  }
}
