import Glibc
import Tensors

/// The room on the disk that the checkpoints of a training take.
package struct CheckpointSpace: Sendable, Hashable {
  /// Bytes while it runs: those that are kept, and the one being written.
  package var running: Int
  /// Bytes of those that are still there when the result is written.
  package var atTheEnd: Int
  /// Bytes of those that are there already, which will make room.
  package var present: Int

  package init(running: Int, atTheEnd: Int, present: Int) {
    self.running = running
    self.atTheEnd = atTheEnd
    self.present = present
  }
}

extension TrainingLoop {
  /// The room that checkpoints will take.
  ///
  /// A checkpoint holds each trained value and what the optimizer keeps; the rest is too small to count.
  /// - Throws: What reading the rows throws, where the length is given in tokens.
  package func checkpointSpace() throws -> CheckpointSpace {
    guard let checkpoints else { return CheckpointSpace(running: 0, atTheEnd: 0, present: 0) }
    let bytes = tensors.reduce(0) { $0 + 4 * $1.tensor.count }
    let saves = try settings.saveEvery.map { (try totalSteps() - 1) / $0 } ?? 0
    // A training that is interrupted saves once, however short it is.
    let kept = min(checkpoints.kept, saves)
    return CheckpointSpace(
      running: max(1, min(checkpoints.kept + 1, saves)) * bytes, atTheEnd: kept * bytes,
      present: try checkpoints.size())
  }
}

extension CheckpointFolder {
  /// Bytes of the checkpoints that are there.
  ///
  /// - Throws: What listing the folder throws.
  fileprivate func size() throws -> Int {
    try steps().reduce(0) { sum, step in
      var status = stat()
      return stat(file(step: step), &status) == 0 ? sum + Int(status.st_size) : sum
    }
  }
}
