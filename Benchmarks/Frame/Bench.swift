import Foundation
import TestKit

/// What a benchmark measures with: clocks, the program `anneal`, and folders.
final class Bench {
  /// The program that was built beside this one.
  let anneal: String
  /// A folder that is kept from one call to the next, so that what is slow to prepare is prepared once.
  let folder: String
  /// The repository: commands start here, as the pipelines' relative paths want.
  let project: String
  private let model: String?
  private let benchmark: String
  private let report: (Measurement) -> Void

  init(
    _ benchmark: Benchmark, anneal: String, folder: String, project: String, model: String?,
    report: @escaping (Measurement) -> Void
  ) {
    self.benchmark = benchmark.name
    self.anneal = anneal
    self.folder = folder + "/" + benchmark.name
    self.project = project
    self.model = model
    self.report = report
  }

  // MARK: Measuring

  /// Measures how long `work` takes, in milliseconds; one more run before warms up.
  func time(_ name: String, runs: Int = 10, _ work: () throws -> Void) throws {
    let seconds = try samples(runs, work)
    add(Measurement("\(benchmark)/\(name)", unit: "ms", values: seconds.map { $0 * 1000 }))
  }

  /// Measures how fast `work` gets through `amount` of something, such as 12.5 MB or 3.2 GFLOP; one more run before
  /// warms up.
  ///
  /// - Parameters:
  ///   - unit: Of the rate, such as `GFLOP/s`.
  ///   - ceiling: The highest rate that the machine allows, measured beside it.
  func rate(
    _ name: String, amount: Double, unit: String, ceiling: Double? = nil, runs: Int = 10, _ work: () throws -> Void
  ) throws {
    let rates = try samples(runs, work).map { amount / $0 }
    add(Measurement("\(benchmark)/\(name)", unit: unit, values: rates, isRate: true, ceiling: ceiling))
  }

  /// Adds numbers that the benchmark took itself.
  func record(_ name: String, unit: String, values: [Double], isRate: Bool = false) {
    add(Measurement("\(benchmark)/\(name)", unit: unit, values: values, isRate: isRate))
  }

  private func add(_ measurement: Measurement) { report(measurement) }

  private func samples(_ runs: Int, _ work: () throws -> Void) throws -> [Double] {
    try work()
    return try (0..<max(1, runs)).map { _ in
      let clock = ContinuousClock()
      return try clock.measure(work) / .seconds(1)
    }
  }

  // MARK: What is measured

  /// SmolLM2-135M-Instruct: the model of `scripts/get-model`, or the one under `ANNEAL_ASSETS`.
  func modelPath() throws -> String {
    guard let path = model ?? realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf") else {
      throw Skipped("no model; see scripts/get-model")
    }
    return path
  }

  /// A folder of the benchmark's own, empty.
  func emptyFolder(_ name: String) throws -> String {
    let path = folder + "/" + name
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// Runs `anneal` in `directory` (the repository unless given) with its output thrown away.
  ///
  /// - Throws: ``ChildError`` when it cannot be started or does not end with 0.
  @discardableResult
  func runAnneal(_ arguments: [String], in directory: String? = nil) throws -> Child {
    try Child.run([anneal] + arguments, in: directory ?? project)
  }
}
