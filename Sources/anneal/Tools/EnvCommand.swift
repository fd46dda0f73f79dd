import ArgumentParser
import Foundation
import Pipeline
import PreciseJSON
import Tensors

/// `anneal env`: what the program found on this machine, for reports of trouble.
struct EnvCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "env", abstract: "Says what the program found on this machine.")

  @OptionGroup var workplace: Workplace

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try reportingProblems {
      let facts: [(key: String, value: JSON)] = [
        ("version", JSON(Version.text)), ("cores", JSON(RunOptions.machineCores)),
        ("memory", JSON(RunOptions.machineMemory)),
        ("kernels", JSON(try KernelSet.chosenByEnvironment().name.rawValue)),
        ("compute", .array(ComputeClass.allCases.map { JSON($0.rawValue) })),
        ("store", JSON(workplace.openedStore.path)),
        ("system", JSON(ProcessInfo.processInfo.operatingSystemVersionString)),
      ]
      if json { return Terminal.put(JSON(facts).text(.pretty)) }
      Terminal.put(
        table(
          facts.map { key, value in
            [key, key == "memory" ? byteCount(RunOptions.machineMemory) : plain(value)]
          }))
    }
  }
}
