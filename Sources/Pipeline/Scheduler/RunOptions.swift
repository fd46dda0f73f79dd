import Foundation
import Glibc

/// How to run a pipeline; nothing here decides a result.
package struct RunOptions: Sendable {
  /// Nodes (or `node.port`) to run, with what they are made from; empty for the pipeline's outputs.
  package var targets: [String] = []
  /// Nodes to run although their results are known.
  package var forced: Set<String> = []
  /// Since when results count as made in this run, in nanoseconds since 1970, where what is made anew each time was made by
  /// another process of the same run.
  package var madeSince: Int64?
  /// Whether to go on with what does not depend on a failed node.
  ///
  /// Otherwise nothing new is started after a failure; what is running is finished.
  package var keepGoing = false
  /// Seconds that a node has to stop after it was asked to, and to save what can be saved.
  ///
  /// Then a worker past its timeout is killed, and a node in this process is left behind.
  package var patience = 10.0
  package var cores = RunOptions.machineCores
  /// Bytes that nodes running side by side may have set aside together.
  package var memory = RunOptions.machineMemory

  /// Whether garbage collection leaves alone what the run used until this process ends, not only until the run does.
  package var holdsResults = false

  package init() {}

  package static var machineCores: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
  package static var machineMemory: Int { Int(clamping: ProcessInfo.processInfo.physicalMemory) }
}
