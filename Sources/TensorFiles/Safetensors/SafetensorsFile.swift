import Diagnostics
import PreciseJSON

/// An open safetensors file: a JSON header and one block of tensor bytes.
///
/// Format: <https://huggingface.co/docs/safetensors>: a little-endian u64 header length, the header, the data. The
/// header is checked whole at opening (types, shapes against sizes, no gaps, no overlaps), so reading cannot go out of
/// bounds. Cost of opening: O(tensors); data is read when asked for.
package struct SafetensorsFile: Sendable {
  /// One tensor's place in the file.
  package struct Entry: Sendable, Hashable {
    package var name: String
    package var type: ElementType
    package var shape: [Int]
    /// Offsets into the whole file.
    package var range: Range<Int>

    /// Elements in all.
    package var count: Int { shape.reduce(1, *) }
  }

  /// The limit that the reference implementation sets for headers.
  static let headerLimit: UInt64 = 100_000_000

  package let file: MappedFile
  /// In the order of their data.
  package let entries: [Entry]
  /// The `__metadata__` of the header.
  package let metadata: [String: String]
  private let indexByName: [String: Int]

  package init(path: String) throws {
    file = try MappedFile(path: path)
    let bytes = file.bytes
    // The length of a header may be any number, that of another kind's first bytes among them: its brace decides.
    let hasBrace = bytes.count > 8 && bytes[8] == UInt8(ascii: "{")
    if !hasBrace, let kind = FileSignature(startOf: bytes) {
      throw TensorFileError(.otherKind(format: "safetensors", found: kind), file: path)
    }
    guard bytes.count >= 8 else {
      throw TensorFileError(.truncated(needed: 8, found: bytes.count, what: "the header length"), file: path)
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= Self.headerLimit else {
      throw TensorFileError(.tooLarge(what: "its header's length", value: length, limit: Self.headerLimit), file: path)
    }
    let dataStart = 8 + Int(length)
    guard bytes.count >= dataStart else {
      throw TensorFileError(.truncated(needed: dataStart, found: bytes.count, what: "the header"), file: path)
    }
    let json = try JSONReader.read(
      UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), file: path, origin: (byteOffset: 8, line: 1))
    guard let header = json.object else {
      throw TensorFileError(.invalidHeader("it is \(json.kind), not an object"), file: path, byteOffset: 8)
    }
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for (name, value) in header.members {
      if name == "__metadata__" {
        metadata = try Self.metadata(value, file: path)
      } else {
        entries.append(try Self.entry(name, value, dataStart: dataStart, file: path))
      }
    }
    entries.sort { $0.range.lowerBound < $1.range.lowerBound }
    var position = dataStart
    for entry in entries {
      guard entry.range.lowerBound == position else {
        throw TensorFileError(
          .invalidHeader("tensor `\(entry.name)` overlaps another or leaves a gap"), file: path, byteOffset: position)
      }
      position = entry.range.upperBound
    }
    guard position == bytes.count else {
      throw position > bytes.count
        ? TensorFileError(.truncated(needed: position, found: bytes.count, what: "the tensor data"), file: path)
        : TensorFileError(.invalidHeader("\(bytes.count - position) bytes follow the last tensor"), file: path)
    }
    try file.check()
    self.entries = entries
    self.metadata = metadata
    indexByName = Dictionary(entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
  }

  private static func metadata(_ value: JSON, file: String) throws -> [String: String] {
    guard let object = value.object else {
      throw TensorFileError(.invalidHeader("`__metadata__` is \(value.kind), not an object"), file: file)
    }
    var metadata: [String: String] = [:]
    for (key, value) in object.members {
      guard let text = value.string else {
        throw TensorFileError(.invalidHeader("`__metadata__`: `\(key)` is \(value.kind), not a string"), file: file)
      }
      metadata[key] = text
    }
    return metadata
  }

  private static func entry(_ name: String, _ value: JSON, dataStart: Int, file: String) throws -> Entry {
    func invalid(_ detail: String) -> TensorFileError {
      TensorFileError(.invalidHeader("tensor `\(name)`: \(detail)"), file: file)
    }
    guard let typeName = value["dtype"]?.string else { throw invalid("`dtype` is missing") }
    guard let type = ElementType(rawValue: typeName) else {
      throw TensorFileError(.unknownElementType(tensor: name, type: typeName), file: file)
    }
    guard let shape = value["shape"]?.array, let offsets = value["data_offsets"]?.array, offsets.count == 2 else {
      throw invalid("`shape` or `data_offsets` is missing")
    }
    var dimensions: [Int] = []
    var count = 1
    for dimension in shape {
      guard let size = dimension.int, size >= 0 else { throw invalid("a dimension is not a whole number") }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { throw invalid("the shape is too large") }
      count = product
      dimensions.append(size)
    }
    guard let start = offsets[0].int, let end = offsets[1].int, start >= 0, end >= start,
      end <= Int.max - dataStart
    else { throw invalid("`data_offsets` are not a range") }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: type.size)
    guard !overflow, end - start == bytes else { throw invalid("`data_offsets` do not fit the shape and type") }
    return Entry(name: name, type: type, shape: dimensions, range: dataStart + start..<dataStart + end)
  }

  package var names: [String] { entries.map(\.name) }

  package func has(_ name: String) -> Bool { indexByName[name] != nil }

  package func entry(_ name: String) throws -> Entry {
    guard let index = indexByName[name] else {
      throw TensorFileError(
        .missingTensor(name, nearest: nearestName(to: name, among: names)), file: file.path)
    }
    return entries[index]
  }

  /// Runs `body` with the stored bytes of a tensor.
  ///
  /// - Throws: What `body` throws, but ``FileError`` when the file was cut short meanwhile.
  package func withBytes<Result>(
    of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[entry.range])) }
  }

  /// Reads a tensor as f32.
  ///
  /// - Throws: ``TensorFileError`` when it is missing, holds integers, or has another number of elements.
  package func readFloats(_ name: String, into target: UnsafeMutableBufferPointer<Float>) throws {
    let entry = try entry(name)
    guard entry.count == target.count else {
      throw TensorFileError(.wrongSize(tensor: name, expected: target.count, found: entry.count), file: file.path)
    }
    try withBytes(of: entry) { try Self.convert($0, entry, into: target, file: file.path) }
  }

  private static func convert(
    _ bytes: UnsafeRawBufferPointer, _ entry: Entry, into target: UnsafeMutableBufferPointer<Float>, file: String
  ) throws {
    switch entry.type {
    case .float32:
      if let source = bytes.baseAddress {
        UnsafeMutableRawBufferPointer(target).copyMemory(from: .init(start: source, count: bytes.count))
      }
    case .float16:
      for i in 0..<target.count {
        target[i] = float(float16: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
      }
    case .bfloat16:
      for i in 0..<target.count {
        target[i] = float(bfloat16: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
      }
    case .float64:
      for i in 0..<target.count { target[i] = Float(bytes.loadUnaligned(fromByteOffset: 8 * i, as: Double.self)) }
    default: throw TensorFileError(.notFloat(tensor: entry.name, type: entry.type.rawValue), file: file)
    }
  }
}
