import ArgumentParser
import Diagnostics
import Foundation
import Pipeline
import PreciseJSON
import Tensors
import TokenShards
import Tokenization

/// `anneal env`: what the program found on this machine, for reports of trouble.
struct EnvCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "env", abstract: "Says what the program found on this machine.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Measure the rate of matrix products too, which takes half a second.")
  var measure = false

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let kernels = try KernelSet.chosenByEnvironment()
      let classes = ComputeClass.available(kernels)
      var facts = try MachineFacts.decisive()
      facts += [
        ("kernels_available", .array(KernelSet.available.map { JSON($0.name.rawValue) })),
        ("compute_available", .array(classes.map { JSON($0.rawValue) })),
      ]
      if measure { facts.append(("peak_gflops", JSON(Self.peak(kernels, classes)))) }
      facts += [("libraries", JSON(MachineFacts.libraries)), ("store", JSON(workplace.openedStore.path))]
      if json { return Terminal.put(JSON(facts).text(.pretty)) }
      Terminal.put(
        table(
          facts.map { key, value in [key.replacingOccurrences(of: "_", with: " "), Self.words(key, value)] }))
    }
  }

  /// The rate of matrix products on all cores in GFLOP/s, by class of arithmetic.
  private static func peak(_ kernels: KernelSet, _ classes: [ComputeClass]) -> [(key: String, value: JSON)] {
    let pool = ThreadPool(threads: RunOptions.machineCores)
    return classes.map { computeClass in
      let compute = Compute(pool: pool, kernels: kernels, computeClass: computeClass)
      return (computeClass.rawValue, JSON(Int((compute.measuredProductRate() / 1e9).rounded())))
    }
  }

  private static func words(_ key: String, _ value: JSON) -> String {
    if key == "memory" { return byteCount(RunOptions.machineMemory) }
    if let members = value.object?.members {
      return members.map { "\($0.key) \(plain($0.value))" }.joined(separator: ", ")
    }
    return plain(value)
  }
}
