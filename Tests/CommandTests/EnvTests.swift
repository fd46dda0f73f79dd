import Foundation
import PreciseJSON
import TestKit
import Testing

/// What `anneal env` says: word for word, with the numbers of this machine filled in.
struct EnvTests {
  private let project: Project

  init() throws { project = try Project(rows: 1) }

  private func env(_ arguments: String..., cpu: String) throws -> String {
    let (_, wait) = try project.start(["env"] + arguments, environment: ["ANNEAL_CPU": cpu])
    let outcome = wait()
    #expect(outcome.code == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    return outcome.output
  }

  /// Members of an object as `name value` with commas.
  private func listed(_ value: JSON?) throws -> String {
    try #require(value?.object).members.map { "\($0.key) \($0.value.string ?? $0.value.text())" }
      .joined(separator: ", ")
  }

  @Test func everyLine() throws {
    let json = try JSON(parsing: env("--json", cpu: "scalar"))
    let kernels = try #require(json["kernels_available"]?.array).compactMap(\.string)
    #expect(kernels.first == "scalar")
    #expect(
      try env(cpu: "scalar") == """
        version            \(#require(json["version"]?.string))
        cores              \(ProcessInfo.processInfo.activeProcessorCount)
        memory             \(String(format: "%.1f", Double(ProcessInfo.processInfo.physicalMemory) / 0x1p30)) GiB
        kernels            scalar
        compute auto       f32
        system             \(ProcessInfo.processInfo.operatingSystemVersionString)
        kernels available  \(kernels.joined(separator: ", "))
        compute available  f32
        libraries          \(listed(json["libraries"]))
        store              \(project.folder.path("store"))

        """)
  }

  @Test func librariesHaveVersions() throws {
    let libraries = try #require(try JSON(parsing: env("--json", cpu: ""))["libraries"]?.object?.members)
    #expect(libraries.map(\.key) == ["OpenBLAS", "oneDNN", "zstd", "PCRE2", "libyaml", "SQLite"])
    for (name, version) in libraries {
      #expect(version.string?.wholeMatch(of: /[1-9]?\d(\.\d+){1,2}/) != nil, "\(name) \(version)")
    }
  }

  /// Each class of the processor has a rate, and `auto` is one of them.
  @Test(arguments: ["scalar", ""])
  func aPeakIsMeasuredWhenAskedFor(cpu: String) throws {
    let json = try JSON(parsing: env("--measure", "--json", cpu: cpu))
    let classes = try #require(json["compute_available"]?.array).compactMap(\.string)
    let peaks = try #require(json["peak_gflops"]?.object?.members)
    let chosen = try #require(json["compute_auto"]?.string)
    #expect(peaks.map(\.key) == classes && classes.contains(chosen))
    for (name, peak) in peaks { #expect(try #require(peak.int) > 0, "\(name)") }
    let text = try env("--measure", cpu: cpu)
    #expect(text.contains(/\npeak gflops        f32 \d+(, int16 \d+)?(, bf16 \d+)?(, int8 \d+)?\n/), "\(text)")
  }
}
