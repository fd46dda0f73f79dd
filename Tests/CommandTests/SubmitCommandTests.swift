import Foundation
import PreciseJSON
import TestKit
import Testing

/// Pipelines that are handed over as a whole, as far as that goes without a cluster.
@Suite(.serialized) struct SubmitCommandTests {
  @Test func theFolderHoldsWhatIsToBeDone() throws {
    let project = try Project(rows: 12)
    let outcome = try project.anneal("submit", "pipeline.yaml", "--executor", "slurm", "--cores", "3", "--json")
    #expect(outcome.code == 0, "\(outcome.messages)")
    let manifest = try JSON(parsing: outcome.output)
    let jobs = manifest["jobs"]?.array ?? []
    let waits = Dictionary(
      jobs.map { ($0["node"]?.string ?? "", Set(($0["waits_for"]?.array ?? []).compactMap(\.string))) }
    ) { first, _ in first }
    #expect(waits["sft"] == ["tokens", "lora"] && waits["release"] == ["merged"] && waits["tokens"] == [])
    #expect(waits["rows"] == nil, "a light node rides along")
    let id = try #require(manifest["id"]?.string)
    let folder = ".anneal/submissions/\(id)"
    #expect(outcome.messages == "Next: \(folder)/submit.sh\n")
    let names = try FileManager.default.contentsOfDirectory(atPath: project.folder.path("\(folder)/jobs"))
    let name = try #require(names.first { $0.hasSuffix("-lora.sh") })
    let script = try String(contentsOfFile: project.folder.path("\(folder)/jobs/\(name)"), encoding: .utf8)
    #expect(script.contains("#SBATCH --cpus-per-task=3\n") && script.contains("#SBATCH --kill-on-invalid-dep=yes\n"))
    // Nothing has run, and nothing is recorded.
    #expect(try project.anneal("runs").messages == "Nothing has run in this folder yet.\n")
  }

  @Test func manifestsOfKubernetesAreWritten() throws {
    let project = try Project(rows: 12)
    let outcome = try project.anneal(
      "submit", "pipeline.yaml", "--executor", "kubernetes", "--image", "anneal:1", "--claim",
      "shared:\(project.folder.path)", "--output", "jobs", "sft")
    #expect(outcome.code == 0, "\(outcome.messages)")
    let names = try FileManager.default.contentsOfDirectory(atPath: project.folder.path("jobs/jobs")).sorted()
    #expect(names.count == 4 && names.first == "00-orders.json" && names.last == "03-sft.json", "\(names)")
    let again = try project.anneal(
      "submit", "pipeline.yaml", "--executor", "kubernetes", "--image", "anneal:1", "--claim",
      "shared:\(project.folder.path)", "--output", "jobs")
    #expect(again.code == 2 && again.messages.contains("something lies in it already"), "\(again.messages)")
  }

  @Test(
    arguments: [
      ("submit pipeline.yaml", "--executor"), ("submit pipeline.yaml --executor local", "local"),
      ("submit pipeline.yaml --executor kubernetes", "Name the image"),
      ("submit pipeline.yaml --executor slurm --image x", "are for `--executor kubernetes`"),
      ("submit pipeline.yaml --executor kubernetes --image x --claim nowhere", "--claim"),
      ("submit pipeline.yaml --executor kubernetes --image x", "no way to each other's results"),
      ("submit pipeline.yaml --executor slurm nothing", "There is no node `nothing`"),
      ("submit pipeline.yaml --executor slurm --cores 0", "at least 1"),
      ("run pipeline.yaml --executor ray --executor-option=nowhere", "`nowhere` is no address"),
      ("run pipeline.yaml --executor ray --executor-option=http://127.0.0.1:1", "Ray gives no answer"),
    ])
  func aWrongRequestIsCodeTwo(_ line: String, _ words: String) throws {
    let project = try Project(rows: 1)
    let outcome = try project.start(line.split(separator: " ").map(String.init)).1()
    #expect(outcome.code == 2 && outcome.messages.contains(words), "\(outcome.messages)")
    #expect(!FileManager.default.fileExists(atPath: project.folder.path(".anneal")))
  }

  @Test func whatIsMadeAnewEachTimeIsMadeOnceForAllJobs() throws {
    let project = try Project(rows: 1)
    let copy = #"command: [sh, -c, "cat inputs/*/* > outputs/out/x"], outputs: {out: files}, version: "1""#
    try project.folder.write(
      """
      pipeline: own
      nodes:
        each:
          type: exec
          command: [sh, -c, "echo x >> \(project.folder.path("count")); date +%N > outputs/out/x"]
          outputs: {out: files}
        one: {type: exec, \(copy), inputs: {each: each}}
        two: {type: exec, \(copy), inputs: {each: each, one: one}}
      """, to: "own.yaml")
    #expect(try project.anneal("run", "own.yaml", "each").code == 0)
    let outcome = try project.anneal("submit", "own.yaml", "--executor", "slurm", "--output", "jobs")
    #expect(outcome.code == 0, "\(outcome.messages)")
    for job in ["01-each", "02-one", "03-two"] {
      let worker = try project.anneal("worker", "--order", project.folder.path("jobs/orders/\(job).json"))
      #expect(worker.code == 0, "\(worker.messages)")
    }
    #expect(try String(contentsOfFile: project.folder.path("count"), encoding: .utf8) == "x\nx\n")
  }
}
