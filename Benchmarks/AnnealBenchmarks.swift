import ArgumentParser
import Foundation
import PreciseJSON

/// Measures what users wait for; `scripts/bench` builds and calls it.
@main
struct AnnealBenchmarks: ParsableCommand {
  /// In the order of the table.
  static let benchmarks: [Benchmark] = [
    .trainAdapter, .trainWeights, .longSequences, .vocabularies, .products, .crossEntropy, .attention, .tileProduct,
    .rowOperations, .coldStart, .noOpRerun, .largePlan, .scheduling, .encoding, .datasetRows,
  ]

  static let configuration = CommandConfiguration(
    commandName: "scripts/bench", abstract: "Measures what users wait for, and compares it with the last time.")

  @Argument(help: "The benchmarks to run; all of them when none is named.")
  var names: [String] = []

  @Flag(help: "List the benchmarks.")
  var list = false

  @Option(help: "A model for the benchmarks that need one.")
  var model: String?

  @Option(help: "Folder for results and for what is prepared once.")
  var folder = ".build/bench"

  func validate() throws {
    for name in names where !Self.benchmarks.contains(where: { $0.name == name }) {
      throw ValidationError("There is no benchmark `\(name)`; see --list.")
    }
  }

  func run() throws {
    if list {
      for benchmark in Self.benchmarks { Self.put("\(benchmark.name)\t\(benchmark.summary)") }
      return
    }
    let files = FileManager.default
    let project = files.currentDirectoryPath
    // Benchmarks go into folders of their own.
    let folder = URL(fileURLWithPath: folder).path
    let model = model.map { URL(fileURLWithPath: $0).path }
    let results = folder + "/results"
    try files.createDirectory(atPath: results, withIntermediateDirectories: true)
    let last = try files.contentsOfDirectory(atPath: results).filter { $0.hasSuffix(".json") }.max()
    var report = Report(previous: last.map { "\(results)/\($0)" })
    let anneal = try files.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var failed = false
    Self.put(report.header)
    for benchmark in Self.benchmarks where names.isEmpty || names.contains(benchmark.name) {
      let bench = Bench(
        benchmark, anneal: URL(fileURLWithPath: anneal).deletingLastPathComponent().path + "/anneal", folder: folder,
        project: project, model: model
      ) { Self.put(report.add($0)) }
      do {
        try benchmark.measure(bench)
      } catch let skipped as Skipped {
        Self.put("\(benchmark.name): left out, \(skipped.reason)")
      } catch {
        Self.put("\(benchmark.name): failed, \(error)")
        failed = true
      }
    }
    let now = Date()
    let file = "\(results)/\(Int(now.timeIntervalSince1970)).json"
    try (report.json(date: now).text(.pretty) + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    Self.put("kept as \(file)")
    if failed { throw ExitCode.failure }
  }

  /// Writes a line at once: a measurement may take minutes.
  private static func put(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
