import ArgumentParser
import Diagnostics
import Glibc
import Pipeline

/// Where heavy nodes run.
struct ExecutorArguments: ParsableArguments {
  /// The kinds of places.
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case local
    case slurm
    case ray
  }

  @Option(
    name: .customLong("executor"),
    help:
      "Where heavy nodes run: `local`, in processes of this machine, or `slurm` or `ray`, as jobs on a store that machines share."
  )
  var kind = Kind.local

  @Option(
    name: .customLong("executor-option"), parsing: .singleValue,
    help: ArgumentHelp(
      "For Slurm an option for `sbatch`, such as `--executor-option=--partition=short`, may be repeated; for Ray the address of its dashboard, such as `--executor-option=http://HOST:8265`.",
      valueName: "option"))
  var options: [String] = []

  @Option(help: "How many jobs may wait and run on the cluster at a time.")
  var jobs = 64

  func validate() throws {
    if jobs < 1 { throw ValidationError("`--jobs` must be at least 1.") }
    if kind == .local, !options.isEmpty {
      throw ValidationError("`--executor-option` is for clusters; name one with `--executor`.")
    }
    if kind == .ray, options.count > 1 { throw ValidationError("A Ray cluster has one address.") }
  }

  private var cluster: (any Cluster)? {
    get throws {
      switch kind {
      case .local: nil
      case .slurm: Slurm(options: options)
      case .ray: try Ray(address: options.first)
      }
    }
  }

  /// - Throws: What is missing to use the place from here.
  func check() throws { try cluster?.check() }

  /// What performs heavy nodes; nil for worker processes of this machine.
  func executor(_ workplace: Workplace, _ remotes: RemoteCaches) throws -> (any Executor)? {
    guard let cluster = try cluster else { return nil }
    return ClusterExecutor(
      cluster, store: workplace.openedStore, remotes: remotes, worker: try thisProgram, project: workplace.project,
      machine: try MachineFacts.arithmetic, places: jobs)
  }
}

/// This program, by a path that machines which share its folder know too.
var thisProgram: String {
  get throws {
    guard let path = realpath("/proc/self/exe", nil) else { throw SystemError("find", "this program") }
    defer { free(path) }
    return String(cString: path)
  }
}
