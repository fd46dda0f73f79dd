import Diagnostics
import Glibc
import TensorFiles
import Tensors

/// The folder in which a training keeps its checkpoints: `checkpoint-00000012.safetensors` is the state after step 12.
///
/// One training owns it. The newest are kept, two unless told otherwise: should the newest turn out damaged, the one before
/// still serves.
package struct CheckpointFolder: Sendable, Hashable {
  package let path: String
  /// How many are kept.
  package let kept: Int

  /// - Parameter path: A folder that exists.
  package init(path: String, kept: Int = 2) {
    self.path = path
    self.kept = max(1, kept)
  }

  private static let prefix = "checkpoint-"
  private static let suffix = ".safetensors"

  /// The path of the checkpoint after `step` steps.
  package func file(step: Int) -> String {
    let digits = String(step)
    return "\(path)/\(Self.prefix)\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits)\(Self.suffix)"
  }

  /// The steps that have a checkpoint, newest first; none where there is no such folder.
  /// - Throws: `ListingError` when the folder cannot be listed: a training that then began anew would lose hours.
  package func steps() throws -> [Int] {
    (try folderNames(path) ?? []).compactMap { name in
      guard name.hasPrefix(Self.prefix), name.hasSuffix(Self.suffix) else { return nil }
      return Int(name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))
    }.sorted(by: >)
  }

  /// Writes a checkpoint and removes all but the newest.
  func save(_ checkpoint: Checkpoint, _ tensors: [NamedTensor]) throws -> String {
    let path = file(step: checkpoint.state.step)
    try checkpoint.write(tensors, to: path, temporary: self.path + "/checkpoint.partial")
    for old in try steps().dropFirst(kept) where unlink(file(step: old)) != 0 && errno != ENOENT {
      throw FileError(path: file(step: old), action: .remove, code: errno)
    }
    return path
  }

  /// The newest checkpoint of this training that verifies, its values put into the tensors.
  /// - Parameters:
  ///   - tensors: Those that there are after so many steps.
  ///   - accepts: Takes the state of a checkpoint that verifies, or says that it is of no use.
  /// - Throws: `ListingError` when the folder cannot be listed, `FileError` when a checkpoint may not be read.
  func resume(
    fingerprint: String, into tensors: (_ step: Int) -> [NamedTensor], accepts: (TrainingState) -> Bool
  ) throws -> TrainingState? {
    for step in try steps() {
      let found = try Checkpoint.read(file(step: step), fingerprint: fingerprint, into: tensors, accepts: accepts)
      if let found { return found }
    }
    return nil
  }
}

/// Renames a finished file and brings the folder's entry to the disk.
func moveIntoPlace(_ temporary: String, _ path: String) throws {
  guard rename(temporary, path) == 0 else { throw FileError(path: path, action: .write, code: errno) }
  let end = path.lastIndex(of: "/") ?? path.startIndex
  let descriptor = open(end == path.startIndex ? "." : String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileError(path: path, action: .write, code: errno) }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 else { throw FileError(path: path, action: .write, code: errno) }
}
