/// Something that is measured, in a file of its own.
///
///     extension Benchmark {
///       static let copying = Benchmark("copying", "memory against memory") { bench in
///         try bench.rate("copy", amount: 2 * 64, unit: "MB/s") { … }
///       }
///     }
struct Benchmark: Sendable {
  /// What the command line calls it.
  let name: String
  /// One line for `--list`.
  let summary: String
  let measure: @Sendable (Bench) throws -> Void

  init(_ name: String, _ summary: String, measure: @escaping @Sendable (Bench) throws -> Void) {
    self.name = name
    self.summary = summary
    self.measure = measure
  }
}

/// Why a benchmark cannot be measured here.
struct Skipped: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
