extension Benchmark {
  /// How long the program takes to do nothing: loading, and what runs before its first line.
  static let coldStart = Benchmark("cold-start", "`anneal --version` as a whole process") { bench in
    try bench.time("version", runs: 30) { try bench.runAnneal(["--version"]) }
  }
}
