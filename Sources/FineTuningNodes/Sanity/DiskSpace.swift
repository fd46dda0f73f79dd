import Pipeline
import PreciseJSON
import Training

/// Whether the store's file system has room for what a node is about to write.
package struct DiskSpace: SanityCheck {
  package static let name = "disk_space"

  /// Bytes that will be written and kept at once.
  package var needed: Int
  /// Bytes that are left; nil where the file system does not say.
  ///
  /// No evidence: it is another number the next minute.
  package var free: Int?

  package init(needed: Int, free: Int?) {
    self.needed = needed
    self.free = free
  }

  init(needed: Int, _ context: NodeContext) throws { self.init(needed: needed, free: try context.freeBytes()) }

  /// The room for a training: its checkpoints while it runs, then the last of them beside the result.
  ///
  /// - Parameter result: Bytes of the trained model or adapter.
  init(_ checkpoints: CheckpointSpace, result: Int, _ context: NodeContext) throws {
    let most = max(checkpoints.running, checkpoints.atTheEnd + result)
    // What an earlier process left will be replaced.
    self.init(needed: most, free: try context.freeBytes().map { $0.addingClamped(checkpoints.present) })
  }

  package var verdict: SanityVerdict { needed <= free ?? .max ? .fine : .error }

  package var evidence: [(key: String, value: JSON)] { [("bytes_needed", JSON(needed))] }
}

extension Int {
  fileprivate func addingClamped(_ other: Int) -> Int {
    let (sum, isTooLarge) = addingReportingOverflow(other)
    return isTooLarge ? .max : sum
  }
}
