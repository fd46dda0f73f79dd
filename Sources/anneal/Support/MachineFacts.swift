import Foundation
import Pipeline
import PreciseJSON
import Tensors
import TokenShards
import Tokenization

/// What the program found on this machine.
enum MachineFacts {
  /// What the bytes of a result may hang on, or the time it takes: records of runs keep it.
  ///
  /// - Throws: What is wrong with the environment's choice of kernels.
  static func decisive() throws -> [(key: String, value: JSON)] {
    let kernels = try KernelSet.chosenByEnvironment()
    return [
      ("version", JSON(Version.text)), ("cores", JSON(RunOptions.machineCores)),
      ("memory", JSON(RunOptions.machineMemory)), ("kernels", JSON(kernels.name.rawValue)),
      ("compute_auto", JSON(ComputeClass.best(kernels).rawValue)),
      ("system", JSON(ProcessInfo.processInfo.operatingSystemVersionString)),
    ]
  }

  /// What the bytes of results hang on, in words: a job is done where these are the same.
  static var arithmetic: String {
    get throws {
      let kernels = try KernelSet.chosenByEnvironment()
      return "Anneal \(Version.text), kernels \(kernels.name.rawValue), class \(ComputeClass.best(kernels).rawValue)"
    }
  }

  /// The libraries that do the work, in the versions that are loaded; loads them.
  static var libraries: [(key: String, value: JSON)] {
    [
      ("OpenBLAS", JSON(MatrixLibraries.openBLAS)), ("oneDNN", JSON(MatrixLibraries.oneDNN)),
      ("zstd", JSON(zstandardVersion)), ("PCRE2", JSON(pcre2Version)), ("libyaml", JSON(EngineLibraries.libyaml)),
      ("SQLite", JSON(EngineLibraries.sqlite)),
    ]
  }
}
