import Foundation
import TestKit
import Testing

/// Whether this machine can have a Slurm of its own.
private func canHaveSlurm() -> Bool {
  geteuid() == 0
    && ["sbin/munged", "sbin/slurmctld", "sbin/slurmd", "bin/sbatch"].allSatisfy {
      FileManager.default.isExecutableFile(atPath: "/usr/" + $0)
    }
}

/// Runs and whole pipelines on a real Slurm of this machine, which `scripts/slurm-here` starts and ends.
@Suite(.enabled(if: canHaveSlurm(), "slurm-wlm is not installed, or this is not root"), .serialized)
struct SlurmRunTests {
  /// The lines of Slurm's own list of jobs in what a command wrote.
  private func jobs(_ text: String) -> [Substring] {
    text.split(separator: "\n").filter { $0.hasPrefix("JobId=") && $0.contains("JobName=anneal-") }
  }

  @Test func aPipelineRunsAsJobs() throws {
    let project = try Project()
    let (code, text) = try project.beside(
      "slurm-here", "\"$ANNEAL\" run pipeline.yaml --executor slurm --cores 1 && scontrol --oneliner show jobs")
    #expect(code == 0, "\(text)")
    // The jobs stand in Slurm's own list, under their names, and have ended well.
    let jobs = jobs(text)
    #expect(
      !jobs.isEmpty && jobs.allSatisfy { $0.contains("JobState=COMPLETED") || $0.contains("COMPLETING") }, "\(text)")
    #expect(try strays(project).isEmpty)
  }

  /// What Slurm writes where nobody has told it another place.
  private func strays(_ project: Project) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: project.folder.path).filter { $0.hasPrefix("slurm-1") }
  }

  /// Starts a run whose training takes a while, in the background, and waits until its job is in the middle of it.
  private static let training = """
    "$ANNEAL" run pipeline.yaml --executor slurm --cores 1 sft & run=$!
    until id=$(grep -hso 'Slurm job [0-9]*' .anneal/runs/*/logs/sft.log | head -n 1) && [ -n "$id" ]; do sleep 0.5; done
    id=${id##* }
    until [ -n "$(ls store/checkpoints/*/* 2>/dev/null)" ]; do sleep 0.5; done
    """

  private func slow() throws -> Project {
    let project = try Project()
    try project.edit("epochs: 3", "epochs: 30")
    return project
  }

  @Test func aCancelledJobFailsItsNode() throws {
    let (code, text) = try slow().beside("slurm-here", Self.training + "\nscancel $id; wait $run")
    #expect(code == 1, "\(text)")
    #expect(text.contains("of node `sft` ended as CANCELLED and left no result"), "\(text)")
    // Without accounting Slurm's memory explains.
    #expect(text.contains("Slurm says: JobState=CANCELLED"), "\(text)")
  }

  @Test func aRequeuedJobGoesOnFromItsCheckpoint() throws {
    let (code, text) = try slow().beside(
      "slurm-here", Self.training + "\nscontrol requeue $id; wait $run && scontrol --oneliner show job $id")
    #expect(code == 0, "\(text)")
    #expect(jobs(text).map { $0.contains("Restarts=1") } == [true], "\(text)")
  }

  @Test func aJobWhoseMachineGoesDownGoesOnWhenOneIsThere() throws {
    let (code, text) = try slow().beside(
      "slurm-here",
      Self.training
        + """

        node=$(sinfo --noheader --format=%n)
        scontrol update nodename=$node state=down reason=test
        sleep 2
        # Unless it has come back by itself, as its daemon never went away.
        scontrol update nodename=$node state=resume || true
        wait $run && scontrol --oneliner show job $id
        """)
    #expect(code == 0, "\(text)")
    #expect(jobs(text).map { $0.contains("Restarts=1") } == [true], "\(text)")
  }

  @Test func aWholePipelineIsHandedOver() throws {
    let project = try Project()
    let (code, text) = try project.beside(
      "slurm-here",
      """
      "$ANNEAL" submit pipeline.yaml --executor slurm --cores 1 --start --output jobs || exit
      while [ -n "$(squeue --noheader)" ]; do sleep 0.5; done
      scontrol --oneliner show jobs
      cat jobs/logs/*.log
      "$ANNEAL" run pipeline.yaml
      """)
    #expect(code == 0, "\(text)")
    #expect(jobs(text).count > 4 && jobs(text).allSatisfy { $0.contains("JobState=COMPLETED") }, "\(text)")
    #expect(try project.ran().isEmpty, "\(text)")
    #expect(try strays(project).isEmpty)
    // Nothing is to be done any more.
    let again = try project.anneal("submit", "pipeline.yaml", "--executor", "slurm")
    #expect(again.code == 0 && again.messages.contains("Nothing is to be done"), "\(again.messages)")
  }

  @Test func whatIsBehindAFailureDoesNotHang() throws {
    let project = try Project()
    try project.edit("learning_rate: 1e-3", "learning_rate: 1e-3, timeout: 0.001")
    let (code, text) = try project.beside(
      "slurm-here",
      """
      "$ANNEAL" submit pipeline.yaml --executor slurm --cores 1 --start --output jobs || exit
      while [ -n "$(squeue --noheader)" ]; do sleep 0.5; done
      scontrol --oneliner show jobs
      """)
    #expect(code == 0, "\(text)")
    func state(_ node: String) -> String {
      let line = jobs(text).first { $0.contains("-\(node) ") } ?? ""
      return line.split(separator: " ").first { $0.hasPrefix("JobState=") }.map { String($0.dropFirst(9)) } ?? "none"
    }
    #expect(state("tokens") == "COMPLETED" && state("sft") == "FAILED" && state("quality") == "CANCELLED", "\(text)")
  }
}
