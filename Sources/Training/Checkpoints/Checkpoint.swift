import Glibc
import PreciseJSON
import TensorFiles
import Tensors

/// The state of a training between two steps, as a safetensors file that any tool can look into.
///
/// Tensors, all f32: `parameter.<name>` of every trainable parameter, then what the optimizer names.
/// Metadata: `anneal` (``format``), `training` (the fingerprint of the training it belongs to), `state` (the rest as
/// JSON) and `checksum` (CRC-32, eight hexadecimal digits, over fingerprint, state, and name and bytes of each tensor in
/// the order above).
struct Checkpoint {
  static let format = "checkpoint-3"

  /// What tells one training from another; a checkpoint of another one is not resumed.
  let fingerprint: String
  let state: TrainingState

  /// Writes the file under a name of its own and moves it to `path` when it is complete and on the disk.
  func write(_ tensors: [NamedTensor], to path: String, temporary: String) throws {
    let text = state.json.text()
    var checksum = Checksum()
    checksum.add(fingerprint)
    checksum.add(text)
    for (name, tensor) in tensors {
      checksum.add(name)
      checksum.add(UnsafeRawBufferPointer(tensor.buffer))
    }
    let writer = try SafetensorsWriter(
      path: temporary,
      tensors: tensors.map { SafetensorsWriter.Declaration(name: $0.name, type: .float32, shape: $0.tensor.shape) },
      metadata: [
        "anneal": Self.format, "training": fingerprint, "state": text, "checksum": Self.hexadecimal(checksum.value),
      ])
    for (name, tensor) in tensors { try writer.write(name, floats: UnsafeBufferPointer(tensor.buffer)) }
    try writer.finish()
    try moveIntoPlace(temporary, path)
  }

  /// Reads a file, verifies it, and only then puts its values into the tensors; nil when it does not verify or belongs to
  /// another training.
  ///
  /// - Parameters:
  ///   - tensors: Those that there are after so many steps.
  ///   - accepts: Takes the state once all is verified, or says that it is of no use.
  /// - Throws: `FileError` when the system does not let it be read, which says nothing about what is in it.
  static func read(
    _ path: String, fingerprint: String, into tensors: (_ step: Int) -> [NamedTensor],
    accepts: (TrainingState) -> Bool
  ) throws -> TrainingState? {
    guard let file = try opened(path), file.metadata["anneal"] == format,
      file.metadata["training"] == fingerprint, let text = file.metadata["state"],
      let json = try? JSON(parsing: text, file: path), let state = TrainingState(json: json)
    else { return nil }
    var checksum = Checksum()
    checksum.add(fingerprint)
    checksum.add(text)
    var entries: [(SafetensorsFile.Entry, Tensor)] = []
    for (name, tensor) in tensors(state.step) {
      guard let entry = try? file.entry(name), entry.type == .float32, entry.shape == tensor.shape else { return nil }
      checksum.add(name)
      let sum: Void? = try? file.withBytes(of: entry) { checksum.add($0) }
      guard sum != nil else { return nil }
      entries.append((entry, tensor))
    }
    guard file.metadata["checksum"] == hexadecimal(checksum.value), accepts(state) else { return nil }
    for (entry, tensor) in entries {
      let copy: Void? = try? file.withBytes(of: entry) {
        UnsafeMutableRawBufferPointer(tensor.buffer).copyMemory(from: $0)
      }
      guard copy != nil else { return nil }
    }
    return state
  }

  /// The file, nil when it is gone, damaged, or cannot be read from the disk.
  private static func opened(_ path: String) throws -> SafetensorsFile? {
    do { return try SafetensorsFile(path: path) } catch let error as FileError
      where ![ENOENT, EIO, EINVAL, EISDIR].contains(error.code)
    { throw error } catch { return nil }
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
