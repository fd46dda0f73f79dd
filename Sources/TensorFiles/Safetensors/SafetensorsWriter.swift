import Glibc
import PreciseJSON

/// Writes a safetensors file tensor by tensor, in the order declared, holding one tensor in memory at a time.
///
/// Output follows what other readers insist on: header padded with spaces so that the data starts 8-aligned, no gaps,
/// metadata values are strings, `format: pt` present (transformers refuses files without it).
package final class SafetensorsWriter {
  /// What will be written under a name.
  package struct Declaration: Sendable, Hashable {
    package var name: String
    package var type: ElementType
    package var shape: [Int]

    package init(name: String, type: ElementType, shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }

    package var count: Int { shape.reduce(1, *) }
  }

  private let output: OutputFile
  private let declarations: [Declaration]
  private var next = 0

  package init(path: String, tensors: [Declaration], metadata: [String: String] = [:]) throws {
    declarations = tensors
    output = try OutputFile(path: path)
    var header = JSONObject()
    var values = metadata
    values["format"] = "pt"
    header["__metadata__"] = JSON(values.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON($0.value)) })
    var members = header.members
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.count * tensor.type.size
      let entry: JSON = [
        "dtype": JSON(tensor.type.rawValue), "shape": .array(tensor.shape.map { JSON($0) }),
        "data_offsets": [JSON(offset), JSON(end)],
      ]
      members.append((tensor.name, entry))
      offset = end
    }
    var text = Array(JSON.object(JSONObject(members)).text().utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    try withUnsafeBytes(of: UInt64(text.count).littleEndian) { try output.write($0) }
    try output.write(text)
  }

  /// Writes the next declared tensor, rounding to its type (nearest, ties to even).
  ///
  /// - Throws: ``TensorFileError`` when `name` is not the next one or the count differs; ``FileError``.
  package func write(_ name: String, floats: UnsafeBufferPointer<Float>) throws {
    guard next < declarations.count, declarations[next].name == name else {
      throw TensorFileError(.unfinished(missing: declarations[next...].map(\.name)), file: output.path)
    }
    let declaration = declarations[next]
    guard declaration.count == floats.count else {
      throw TensorFileError(
        .wrongSize(tensor: name, expected: declaration.count, found: floats.count), file: output.path)
    }
    switch declaration.type {
    case .float32: try output.write(UnsafeRawBufferPointer(floats))
    case .bfloat16: try writeHalves(floats, bfloat16Bits)
    case .float16: try writeHalves(floats) { Float16($0).bitPattern }
    default: throw TensorFileError(.notFloat(tensor: name, type: declaration.type.rawValue), file: output.path)
    }
    next += 1
  }

  /// Writes the next declared tensor from bytes that are already in its type.
  package func write(_ name: String, bytes: UnsafeRawBufferPointer) throws {
    guard next < declarations.count, declarations[next].name == name else {
      throw TensorFileError(.unfinished(missing: declarations[next...].map(\.name)), file: output.path)
    }
    let needed = declarations[next].count * declarations[next].type.size
    guard bytes.count == needed else {
      throw TensorFileError(.wrongSize(tensor: name, expected: needed, found: bytes.count), file: output.path)
    }
    try output.write(bytes)
    next += 1
  }

  private func writeHalves(_ floats: UnsafeBufferPointer<Float>, _ round: (Float) -> UInt16) throws {
    var start = 0
    while start < floats.count {
      let end = min(start + 1 << 16, floats.count)
      let block = floats[start..<end].map { round($0).littleEndian }
      try block.withUnsafeBytes { try output.write($0) }
      start = end
    }
  }

  /// Closes the file.
  ///
  /// - Throws: ``TensorFileError`` when declared tensors are missing; the file is then removed.
  package func finish() throws {
    guard next == declarations.count else {
      throw TensorFileError(.unfinished(missing: declarations[next...].map(\.name)), file: output.path)
    }
    try output.finish()
  }
}
