import Foundation

extension Benchmark {
  /// The quickstart pipeline when nothing is left to do, which is what an edit of a comment or a second call costs.
  ///
  /// The model is trained once, for a few rows and steps; the graph is the quickstart's own.
  static let noOpRerun = Benchmark("no-op", "the quickstart pipeline with every result in the store") { bench in
    let base = try bench.modelPath()
    let project = bench.folder + "/project"
    try FileManager.default.createDirectory(atPath: project, withIntermediateDirectories: true)
    // Paths start where the command is run.
    let data = bench.project + "/data/assistant.jsonl"
    let settings = [
      "base=\(base)", "data=\(data)", "epochs=0.01", "nodes.conversations.max_rows=40",
      "nodes.before_answers.max_tokens=2", "nodes.after_answers.max_tokens=2",
    ]
    let pipeline =
      ["\(bench.project)/pipelines/quickstart.yaml", "--store", bench.folder + "/store"]
      + settings.flatMap { ["--set", $0] }
    try bench.runAnneal(["run"] + pipeline, in: project)
    try bench.time("plan", runs: 30) { try bench.runAnneal(["plan"] + pipeline, in: project) }
    try bench.time("run", runs: 30) { try bench.runAnneal(["run"] + pipeline, in: project) }
  }
}
