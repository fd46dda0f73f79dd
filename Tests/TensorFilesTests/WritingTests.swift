import Foundation
import PreciseJSON
import TensorFiles
import TestKit
import Testing

@Suite("Writing safetensors")
struct WritingTests {
  @Test("rounding to narrow types gives torch's bits", arguments: [ElementType.bfloat16, .float16])
  func rounding(type: ElementType) throws {
    let expected = try SafetensorsFile(path: fixture("TensorFiles/expected.safetensors"))
    let count = try expected.entry("round.source").count
    let source = try floats(count) { try expected.readFloats("round.source", into: $0) }
    let folder = try TemporaryFolder()
    let writer = try SafetensorsWriter(
      path: folder.path("a"), tensors: [.init(name: "t", type: type, shape: [count])])
    try source.withUnsafeBufferPointer { try writer.write("t", floats: $0) }
    try writer.finish()
    let file = try SafetensorsFile(path: folder.path("a"))
    let wanted = try expected.bytes(type == .bfloat16 ? "round.bf16" : "round.f16")
    #expect(try file.bytes("t") == wanted)
  }

  @Test("large tensors of narrow types are written whole", arguments: [ElementType.bfloat16, .float16, .float32])
  func large(type: ElementType) throws {
    let folder = try TemporaryFolder()
    let values = (0..<(1 << 16) * 2 + 5).map { Float($0 % 251) }
    let writer = try SafetensorsWriter(
      path: folder.path("a"),
      tensors: [.init(name: "a", type: type, shape: [values.count]), .init(name: "b", type: .float32, shape: [1])])
    try values.withUnsafeBufferPointer { try writer.write("a", floats: $0) }
    try [Float(7)].withUnsafeBufferPointer { try writer.write("b", floats: $0) }
    try writer.finish()
    let file = try SafetensorsFile(path: folder.path("a"))
    #expect(try floats(values.count) { try file.readFloats("a", into: $0) } == values)
    #expect(try floats(1) { try file.readFloats("b", into: $0) } == [7])
  }

  @Test("not a number and infinities stay what they are")
  func specials() {
    #expect(float(bfloat16: bfloat16Bits(.nan)).isNaN)
    #expect(float(bfloat16: bfloat16Bits(Float(bitPattern: 0x7F80_0001))).isNaN)
    #expect(float(bfloat16: bfloat16Bits(.infinity)) == .infinity)
    #expect(float(bfloat16: bfloat16Bits(-.greatestFiniteMagnitude)) == -.infinity)
    #expect(bfloat16Bits(-0.0) == 0x8000)
  }

  @Test("the header is what other readers insist on")
  func header() throws {
    let folder = try TemporaryFolder()
    for length in 1...9 {
      let name = String(repeating: "n", count: length)
      let writer = try SafetensorsWriter(
        path: folder.path("a"), tensors: [.init(name: name, type: .float32, shape: [2])], metadata: ["k": "v"])
      try [Float(1), 2].withUnsafeBufferPointer { try writer.write(name, floats: $0) }
      try writer.finish()
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("a"))))
      let size = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      #expect(size % 8 == 0)
      let header = try JSON(parsing: Array(bytes[8..<8 + size]), file: "header")
      #expect(header["__metadata__"] == ["format": "pt", "k": "v"])
      #expect(header[name] == ["dtype": "F32", "shape": [2], "data_offsets": [0, 8]])
      #expect(bytes.count == 8 + size + 8)
    }
  }

  @Test("bytes of any type pass through")
  func bytes() throws {
    let source = try SafetensorsFile(path: fixture("TensorFiles/types.safetensors"))
    let folder = try TemporaryFolder()
    let writer = try SafetensorsWriter(
      path: folder.path("a"), tensors: source.entries.map { .init(name: $0.name, type: $0.type, shape: $0.shape) })
    for entry in source.entries { try source.withBytes(of: entry) { try writer.write(entry.name, bytes: $0) } }
    try writer.finish()
    let copy = try SafetensorsFile(path: folder.path("a"))
    for entry in source.entries {
      #expect(try copy.bytes(entry.name) == source.bytes(entry.name))
    }
  }

  @Test("mistakes of the caller are errors, and an unfinished file is removed")
  func mistakes() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a")
    do {
      let writer = try SafetensorsWriter(
        path: path, tensors: [.init(name: "a", type: .float32, shape: [2]), .init(name: "b", type: .int64, shape: [1])])
      let two: [Float] = [1, 2]
      try two.withUnsafeBufferPointer { two in
        #expect(throws: TensorFileError(.unfinished(missing: ["a", "b"]), file: path)) {
          try writer.write("b", floats: two)
        }
        #expect(throws: TensorFileError(.wrongSize(tensor: "a", expected: 2, found: 1), file: path)) {
          try writer.write("a", floats: UnsafeBufferPointer(rebasing: two[..<1]))
        }
        try writer.write("a", floats: two)
        #expect(throws: TensorFileError(.notFloat(tensor: "b", type: "I64"), file: path)) {
          try writer.write("b", floats: UnsafeBufferPointer(rebasing: two[..<1]))
        }
      }
      #expect(throws: TensorFileError(.unfinished(missing: ["b"]), file: path)) { try writer.finish() }
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(throws: FileError(path: folder.path, action: .create, code: 21)) {
      _ = try SafetensorsWriter(path: folder.path, tensors: [])
    }
  }
}

extension SafetensorsFile {
  /// The stored bytes of a tensor, copied.
  fileprivate func bytes(_ name: String) throws -> [UInt8] { try withBytes(of: entry(name)) { Array($0) } }
}
