import Diagnostics
import Glibc

/// An open GGUF file: metadata, and tensors plain or quantised.
///
/// Format: `docs/gguf.md` of ggml, versions 2 and 3, little-endian. Everything is checked against the file's size at
/// opening; tensor data is read when asked for.
package struct GGUFFile: Sendable {
  package struct Entry: Sendable, Hashable {
    package var name: String
    package var type: GGUFTensorType
    /// Row-major: the slowest dimension first, the reverse of the order in the file.
    package var shape: [Int]
    /// Offsets into the whole file.
    package var range: Range<Int>

    package var count: Int { shape.reduce(1, *) }

    /// The bytes of one of the equal parts along the slowest dimension, whole rows of blocks; all of them when nil.
    package func range(of part: Int?) -> Range<Int> {
      guard let part, shape.count > 1, (0..<shape[0]).contains(part) else { return range }
      let size = range.count / shape[0]
      let start = range.lowerBound + part * size
      return start..<start + size
    }
  }

  package let file: MappedFile
  package let version: Int
  package let metadata: GGUFMetadata
  package let entries: [Entry]
  private let indexByName: [String: Int]

  private static let magic = Array("GGUF".utf8)

  /// Whether a file begins as one of this format.
  package static func isGGUF(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var start = [UInt8](repeating: 0, count: magic.count)
    return read(descriptor, &start, start.count) == start.count && start == magic
  }

  package init(path: String) throws {
    file = try MappedFile(path: path)
    var reader = GGUFReader(file.bytes, file: path)
    let magic = file.bytes.prefix(4)
    guard magic.elementsEqual(Self.magic) else {
      if let kind = FileSignature(startOf: file.bytes) {
        throw TensorFileError(.otherKind(format: "GGUF", found: kind), file: path)
      }
      let found = magic.map { "0x" + String($0, radix: 16) }.joined(separator: " ")
      throw TensorFileError(.notThisFormat(format: "GGUF", found: found.isEmpty ? "nothing" : found), file: path)
    }
    _ = try reader.integer(UInt32.self, "the magic number")
    version = Int(try reader.integer(UInt32.self, "the version"))
    guard version == 2 || version == 3 else {
      throw TensorFileError(.unsupportedVersion(format: "GGUF", version: version, supported: "2, 3"), file: path)
    }
    let tensorCount = try reader.integer(UInt64.self, "the number of tensors")
    let keyCount = try reader.integer(UInt64.self, "the number of metadata keys")
    // A tensor or a key takes more than eight bytes.
    let limit = UInt64(file.bytes.count / 8)
    guard tensorCount <= limit, keyCount <= limit else {
      throw TensorFileError(
        .tooLarge(what: "its number of tensors or keys", value: max(tensorCount, keyCount), limit: limit), file: path)
    }
    var values: [(String, GGUFValue)] = []
    for _ in 0..<keyCount {
      let key = try reader.string("a metadata key")
      let type = try reader.integer(UInt32.self, key)
      values.append((key, try reader.value(type: type, key: key)))
    }
    metadata = GGUFMetadata(file: path, values: values)
    if let key = metadata.repeatedKey {
      throw TensorFileError(.invalidHeader("metadata key `\(key)` stands twice"), file: path)
    }
    let alignment = metadata["general.alignment"]?.int ?? 32
    guard alignment > 0, alignment <= 1 << 20, alignment % 8 == 0 else {
      throw TensorFileError(.invalidHeader("`general.alignment` is \(alignment)"), file: path)
    }
    var found: [(name: String, type: GGUFTensorType, shape: [Int], offset: UInt64)] = []
    for _ in 0..<tensorCount { found.append(try Self.tensor(&reader, file: path)) }
    let dataStart = (reader.offset + alignment - 1) / alignment * alignment
    let size = file.bytes.count
    entries = try found.map { tensor in
      let bytes = tensor.shape.reduce(1, *) / tensor.type.blockLength * tensor.type.blockSize
      guard let offset = Int(exactly: tensor.offset), offset <= size, dataStart + offset + bytes <= size else {
        throw TensorFileError(
          .truncated(
            needed: Int(clamping: UInt64(dataStart + bytes) &+ min(tensor.offset, UInt64(Int.max))), found: size,
            what: "tensor `\(tensor.name)`"),
          file: path)
      }
      let start = dataStart + offset
      return Entry(name: tensor.name, type: tensor.type, shape: tensor.shape, range: start..<start + bytes)
    }
    var end = dataStart
    for entry in entries.sorted(by: { ($0.range.lowerBound, $0.range.count) < ($1.range.lowerBound, $1.range.count) }) {
      guard entry.range.lowerBound >= end else {
        throw TensorFileError(.invalidHeader("tensor `\(entry.name)` overlaps another"), file: path)
      }
      end = entry.range.upperBound
    }
    try file.check()
    indexByName = try entries.enumerated().reduce(into: [:]) { index, next in
      guard index.updateValue(next.offset, forKey: next.element.name) == nil else {
        throw TensorFileError(.invalidHeader("tensor `\(next.element.name)` stands twice"), file: path)
      }
    }
  }

  private static func tensor(
    _ reader: inout GGUFReader, file: String
  ) throws -> (name: String, type: GGUFTensorType, shape: [Int], offset: UInt64) {
    let name = try reader.string("a tensor name")
    let rank = try reader.integer(UInt32.self, name)
    guard (1...8).contains(rank) else {
      throw TensorFileError(
        .invalidHeader("tensor `\(name)` has \(rank) dimensions"), file: file, byteOffset: reader.offset)
    }
    var shape: [Int] = []
    var count = 1
    for _ in 0..<rank {
      let dimension = try reader.integer(UInt64.self, name)
      let extent = Int(clamping: dimension)
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= Int.max / 8 else {
        throw TensorFileError(
          .invalidHeader("the shape of tensor `\(name)` is too large"), file: file, byteOffset: reader.offset)
      }
      count = product
      shape.append(extent)
    }
    let typeNumber = try reader.integer(UInt32.self, name)
    guard let type = GGUFTensorType(rawValue: typeNumber) else {
      let known = GGUFTensorType.allCases.map(\.name).joined(separator: ", ")
      throw TensorFileError(
        .unknownElementType(tensor: name, type: "ggml type \(typeNumber); readable: [\(known)]"), file: file)
    }
    guard (shape.first ?? 0) % type.blockLength == 0 else {
      throw TensorFileError(
        .invalidHeader("a row of tensor `\(name)` is not whole \(type.name) blocks"), file: file)
    }
    return (name, type, shape.reversed(), try reader.integer(UInt64.self, name))
  }

  package func has(_ name: String) -> Bool { indexByName[name] != nil }

  package func entry(_ name: String) throws -> Entry {
    guard let index = indexByName[name] else {
      throw TensorFileError(
        .missingTensor(name, nearest: nearestName(to: name, among: entries.map(\.name))), file: file.path)
    }
    return entries[index]
  }

  /// Reads a tensor as f32, dequantising it.
  ///
  /// - Parameter part: Which of the equal parts along the slowest dimension is read; the whole when nil.
  package func readFloats(
    _ name: String, part: Int? = nil, into target: UnsafeMutableBufferPointer<Float>
  ) throws {
    let entry = try entry(name)
    let count = part == nil ? entry.count : entry.count / max(1, entry.shape[0])
    guard count == target.count else {
      throw TensorFileError(.wrongSize(tensor: name, expected: target.count, found: count), file: file.path)
    }
    let range = entry.range(of: part)
    try file.withBytes { dequantize(entry.type, UnsafeRawBufferPointer(rebasing: $0[range]), into: target) }
  }
}
