import Foundation
import TestKit
import Testing

/// Whether this machine can be a cluster of one.
private let isPossible =
  geteuid() == 0
  && ["sbin/munged", "sbin/slurmctld", "sbin/slurmd", "bin/sbatch"].allSatisfy {
    FileManager.default.isExecutableFile(atPath: "/usr/" + $0)
  }

/// Runs on a real Slurm of this machine, which `scripts/slurm-here` starts and ends.
@Suite(.enabled(if: isPossible, "slurm-wlm is not installed, or this is not root"), .serialized)
struct SlurmRunTests {
  /// What a command of the shell in a project's folder wrote, beside a Slurm; a minute or three is all it has.
  private func beside(_ project: Project, _ command: String) throws -> (code: Int32, text: String) {
    let process = Process()
    let output = project.folder.path("slurm-output")
    try Data().write(to: URL(fileURLWithPath: output))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
    process.arguments = ["180", Project.repository + "/scripts/slurm-here", "/bin/sh", "-c", command]
    process.currentDirectoryURL = URL(fileURLWithPath: project.folder.path)
    process.environment = ProcessInfo.processInfo.environment.merging([
      "ANNEAL_STORE": project.folder.path("store"), "NO_COLOR": "1", "ANNEAL": Project.program,
    ]) { $1 }
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
  }

  @Test func aPipelineRunsAsJobs() throws {
    let project = try Project()
    let (code, text) = try beside(
      project, "\"$ANNEAL\" run pipeline.yaml --executor slurm --cores 1 && scontrol --oneliner show jobs")
    #expect(code == 0, "\(text)")
    // The jobs stand in Slurm's own list, under their names, and have ended well.
    let jobs = text.split(separator: "\n").filter { $0.contains("JobName=anneal-") }
    #expect(
      !jobs.isEmpty && jobs.allSatisfy { $0.contains("JobState=COMPLETED") || $0.contains("COMPLETING") }, "\(text)")
    let strays = try FileManager.default.contentsOfDirectory(atPath: project.folder.path).filter {
      $0.hasPrefix("slurm-1")
    }
    #expect(strays.isEmpty)
  }
}
