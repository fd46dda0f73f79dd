import Foundation
import TensorFiles
import TestKit
import Testing

/// Values and metadata that other programs wrote; see `scripts/reference/tensor_files.py`.
@Suite("Reading tensor files of other programs")
struct ReadingTests {
  private let expected: SafetensorsFile

  init() throws { expected = try SafetensorsFile(path: fixture("TensorFiles/expected.safetensors")) }

  private func expectedBits(_ name: String) throws -> [UInt32] {
    try floats(try expected.entry(name).count) { try expected.readFloats(name, into: $0) }.map(\.bitPattern)
  }

  @Test("every GGUF type is dequantised to the same bits as gguf's", arguments: GGUFTensorType.allCases)
  func dequantization(type: GGUFTensorType) throws {
    let file = try GGUFFile(path: fixture("TensorFiles/types.gguf"))
    let entry = try file.entry(type.name)
    #expect(entry.type == type)
    #expect(entry.shape == (type.blockLength == 256 ? [2, 512] : [3, 64]))
    let values = try floats(entry.count) { try file.readFloats(type.name, into: $0) }
    #expect(values.map(\.bitPattern) == (try expectedBits("gguf.\(type.name)")))
  }

  @Test("a part along the slowest dimension is that part of the whole", arguments: GGUFTensorType.allCases)
  func parts(type: GGUFTensorType) throws {
    let file = try GGUFFile(path: fixture("TensorFiles/types.gguf"))
    let shape = try file.entry(type.name).shape
    let parts = try (0..<shape[0]).flatMap { part in
      try floats(shape[1]) { try file.readFloats(type.name, part: part, into: $0) }
    }
    #expect(parts.map(\.bitPattern) == (try expectedBits("gguf.\(type.name)")))
  }

  @Test("GGUF metadata of every kind")
  func metadata() throws {
    let file = try GGUFFile(path: fixture("TensorFiles/types.gguf"))
    let metadata = file.metadata
    #expect(file.version == 3)
    #expect(try metadata.string("general.architecture") == "test")
    #expect(try metadata.int("test.u8") == 200)
    #expect(try metadata.int("test.i8") == -100)
    #expect(try metadata.int("test.u16") == 60_000)
    #expect(try metadata.int("test.i16") == -30_000)
    #expect(try metadata.int("test.u32") == 4_000_000_000)
    #expect(try metadata.int("test.i32") == -2_000_000_000)
    #expect(metadata["test.u64"] == .unsigned(18_000_000_000_000_000_000))
    #expect(try metadata.int("test.i64") == -9_000_000_000_000_000_000)
    #expect(try metadata.double("test.f32") == Double(Float(0.1)))
    #expect(try metadata.double("test.f64") == 0.1)
    #expect(metadata["test.bool"]?.bool == true)
    #expect(try metadata.string("test.string") == "größe 大小 👩‍🔧")
    #expect(
      try metadata.strings("test.strings").map { Array($0.utf8) }
        == ["a", "", "e\u{301}", "\u{E9}"].map { Array($0.utf8) })
    #expect(try metadata.ints("test.ints") == [1, -2, 3])
  }

  @Test("one-dimensional tensors keep their shape")
  func vector() throws {
    let file = try GGUFFile(path: fixture("TensorFiles/types.gguf"))
    #expect(try file.entry("vector").shape == [5])
    #expect(try floats(5) { try file.readFloats("vector", into: $0) }.map(\.bitPattern) == expectedBits("gguf.vector"))
  }

  @Test(
    "safetensors types become the same f32 as torch's", arguments: ["f64", "f32", "f16", "bf16", "scalar", "empty"])
  func safetensors(name: String) throws {
    let file = try SafetensorsFile(path: fixture("TensorFiles/types.safetensors"))
    let entry = try file.entry(name)
    #expect(entry.shape == (name == "scalar" ? [] : name == "empty" ? [0, 4] : [3, 7]))
    let values = try floats(entry.count) { try file.readFloats(name, into: $0) }
    #expect(values.map(\.bitPattern) == (try expectedBits("safetensors.\(name)")))
  }

  /// The first bytes of a file say how long its header is, and may be those by which other kinds of files are known.
  @Test(
    "a header may have any length", arguments: [640, 896, 1152, 1408, 640 + 65_536, 0x8B1F, 0xFEFF, 0xFFFE, 0x4B50])
  func anyLength(length: Int) throws {
    let folder = try TemporaryFolder()
    let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    var bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    bytes += Array((header + String(repeating: " ", count: length - header.utf8.count)).utf8) + [0, 0, 128, 63]
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("a.safetensors")))
    let file = try SafetensorsFile(path: folder.path("a.safetensors"))
    #expect(try floats(1) { try file.readFloats("a", into: $0) } == [1])
  }

  @Test("safetensors metadata and integers")
  func safetensorsMetadata() throws {
    let file = try SafetensorsFile(path: fixture("TensorFiles/types.safetensors"))
    #expect(file.metadata == ["format": "pt", "note": "größe"])
    let entry = try file.entry("i64")
    #expect(entry.type == .int64)
    let values = try file.withBytes(of: entry) { bytes in
      (0..<6).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self) }
    }
    #expect(values == Array(0..<6))
    #expect(throws: TensorFileError(.notFloat(tensor: "i64", type: "I64"), file: file.file.path)) {
      try floats(6) { try file.readFloats("i64", into: $0) }
    }
  }
}

/// The values that `read` puts into a buffer of `count` floats.
@discardableResult
func floats(_ count: Int, _ read: (UnsafeMutableBufferPointer<Float>) throws -> Void) throws -> [Float] {
  var values = [Float](repeating: .nan, count: count)
  try values.withUnsafeMutableBufferPointer { try read($0) }
  return values
}
