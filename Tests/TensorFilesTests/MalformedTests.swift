import Diagnostics
import Foundation
import PreciseJSON
import TensorFiles
import TestKit
import Testing

@Suite("Malformed tensor files end in an error")
struct MalformedTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func written(_ bytes: [UInt8]) throws -> String {
    let path = folder.path("file")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture("TensorFiles/\(name)"))))
  }

  /// Opens a file and reads all its tensors.
  private func readAll(_ path: String, gguf: Bool) throws {
    if gguf {
      let file = try GGUFFile(path: path)
      for entry in file.entries { try floats(entry.count) { try file.readFloats(entry.name, into: $0) } }
    } else {
      let file = try SafetensorsFile(path: path)
      for entry in file.entries where entry.type.isFloat {
        try floats(entry.count) { try file.readFloats(entry.name, into: $0) }
      }
    }
  }

  @Test("cut at every length", arguments: [("types.gguf", true), ("types.safetensors", false)])
  func truncated(name: String, gguf: Bool) throws {
    let bytes = try bytes(name)
    // gguf pads the last tensor to the alignment: the file is whole without that.
    let needed =
      gguf
      ? (try GGUFFile(path: fixture("TensorFiles/" + name)).entries.map(\.range.upperBound).max() ?? 0) : bytes.count
    for count in 0..<needed {
      let path = try written(Array(bytes.prefix(count)))
      let error = #expect(throws: (any Error).self) { try readAll(path, gguf: gguf) }
      #expect(error is any DiagnosticError)
    }
  }

  @Test("random damage", arguments: [("types.gguf", true), ("types.safetensors", false)])
  func fuzz(name: String, gguf: Bool) throws {
    let bytes = try bytes(name)
    var random = SeededGenerator(seed: 9)
    for round in 0..<3000 {
      // Most of the damage goes where the structure is.
      let head = random.damaged(Array(bytes.prefix(round % 2 == 0 ? 1200 : 200)))
      let path = try written(head.count < 200 ? head : head + bytes.dropFirst(head.count))
      do { try readAll(path, gguf: gguf) } catch { #expect(error is any DiagnosticError) }
    }
  }

  @Test("GGUF headers that claim what cannot be")
  func hostileGGUF() throws {
    func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    func text(_ value: String) -> [UInt8] { little(UInt64(value.utf8.count)) + Array(value.utf8) }
    func file(tensors: UInt64 = 0, keys: UInt64 = 0, version: UInt32 = 3, _ rest: [UInt8] = []) throws -> String {
      try written(Array("GGUF".utf8) + little(version) + little(tensors) + little(keys) + rest)
    }
    func tensor(_ dimensions: [UInt64], type: UInt32, offset: UInt64) -> [UInt8] {
      text("t") + little(UInt32(dimensions.count)) + dimensions.flatMap { little($0) } + little(type) + little(offset)
        + [UInt8](repeating: 0, count: 64)
    }
    func message(_ path: @autoclosure () throws -> String) throws -> String {
      let path = try path()
      do { try readAll(path, gguf: true) } catch {
        return diagnostics(of: error).map { $0.summary + "|" + ($0.reason ?? "") }.joined()
      }
      return "nothing thrown"
    }
    #expect(try message(written([])) == "This is not a GGUF file|it starts with nothing")
    #expect(try message(written(Array("GGML....".utf8))).hasPrefix("This is not a GGUF file|it starts with 0x47 0x47"))
    #expect(try message(file(version: 1)) == "Version 1 of GGUF is not supported|supported: 2, 3")
    #expect(
      try message(file(tensors: .max))
        == "The file claims \(UInt64.max) for its number of tensors or keys|the limit is 3")
    #expect(try message(file(keys: 1 << 40)).contains("for its number of tensors or keys"))
    #expect(try message(file(keys: 1, little(UInt64.max) + little(0))).contains("the length of a metadata key"))
    let list = text("k") + little(UInt32(9)) + little(UInt32(8)) + little(UInt64(1) << 60)
    #expect(try message(file(keys: 1, list)).contains("the length of the list `k`"))
    let nested = text("k") + (0..<6).flatMap { _ in little(UInt32(9)) } + [UInt8](repeating: 1, count: 90)
    #expect(try message(file(keys: 1, nested)).contains("the length of the list `k`"))
    #expect(try message(file(keys: 1, text("k") + little(UInt32(77)) + little(0))).contains("unknown value type 77"))
    #expect(try message(file(tensors: 1, tensor([1 << 62, 1 << 62], type: 0, offset: 0))).contains("too large"))
    #expect(try message(file(tensors: 1, tensor([.max], type: 0, offset: 0))).contains("too large"))
    #expect(try message(file(tensors: 1, tensor([4], type: 0, offset: 1 << 40))).hasPrefix("The file is cut short"))
    #expect(try message(file(tensors: 1, tensor([4], type: 0, offset: .max))).hasPrefix("The file is cut short"))
    #expect(try message(file(tensors: 1, tensor([33], type: 8, offset: 0))).contains("not whole Q8_0 blocks"))
    #expect(try message(file(tensors: 1, tensor([4], type: 99, offset: 0))).contains("ggml type 99"))
    #expect(try message(file(tensors: 1, tensor([], type: 0, offset: 0))).contains("0 dimensions"))
    #expect(try message(file(tensors: 1, tensor([1 << 57, 4], type: 0, offset: 0))).contains("cut short"))
    #expect(
      try message(file(tensors: 1, tensor([4], type: 0, offset: UInt64(Int.max)))).hasPrefix("The file is cut short"))
    #expect(try message(file(tensors: 1, tensor([0, .max], type: 0, offset: 0))) == "nothing thrown")
    let alignment = text("general.alignment") + little(UInt32(4)) + little(UInt32(0))
    #expect(try message(file(keys: 1, alignment)).contains("`general.alignment` is 0"))
    let key = text("k") + little(UInt32(0)) + [7]
    #expect(try message(file(keys: 2, key + key + [UInt8](repeating: 0, count: 64))).contains("key `k` stands twice"))
    let head = tensor([4], type: 0, offset: 0).dropLast(64)
    #expect(
      try message(file(tensors: 2, head + tensor([4], type: 0, offset: 32))).contains("tensor `t` stands twice"))
    #expect(
      try message(file(tensors: 2, head + tensor([4], type: 0, offset: 8))).contains("tensor `t` overlaps another"))
  }

  @Test(
    "safetensors headers that claim what cannot be",
    arguments: [
      (#"[]"#, 0, "it is a list, not an object"),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
        6,
        "tensor `b` overlaps another or leaves a gap"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "tensor `a` overlaps another or leaves a gap"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 9, "5 bytes follow the last tensor"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "the tensor data needs"),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "do not fit the shape and type"),
      (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "a dimension is not a whole number"),
      (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, "the shape is too large"),
      (
        #"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0, "do not fit the shape and type"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "`data_offsets` are not a range"),
      (
        #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}"#, 4,
        "`data_offsets` are not a range"
      ),
      (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "`dtype` is missing"),
      (#"{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, 1, "cannot be read: F8_E4M3"),
      (#"{"a":1}"#, 0, "`dtype` is missing"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}"#, 4, "the key `a` stands twice"),
      ("{", 0, "the text ends too early"),
      (#"{"__metadata__":{"x":1}}"#, 0, "`__metadata__`"),
    ])
  func hostileSafetensors(header: String, dataBytes: Int, words: String) throws {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    let path = try written(length + Array(header.utf8) + [UInt8](repeating: 0, count: dataBytes))
    do {
      try readAll(path, gguf: false)
      Issue.record("nothing thrown")
    } catch {
      #expect(diagnostics(of: error).rendered().contains(words))
    }
  }

  @Test("safetensors header lengths that claim what cannot be")
  func headerLength() throws {
    for length in [UInt64.max, 1 << 63, 100_000_001, 9] {
      let path = try written(withUnsafeBytes(of: length.littleEndian) { Array($0) })
      #expect(throws: TensorFileError.self) { try SafetensorsFile(path: path) }
    }
  }

  @Test("missing names suggest the nearest, in words")
  func missing() throws {
    let path = fixture("TensorFiles/types.safetensors")
    let file = try SafetensorsFile(path: path)
    let error = #expect(throws: TensorFileError.self) { try file.entry("bf61") }
    #expect(
      error?.diagnostics.rendered() == """
        \(path): error: The file has no tensor `bf61`
          try: `bf16`
        """)
    let gguf = try GGUFFile(path: fixture("TensorFiles/types.gguf"))
    #expect(
      throws: TensorFileError(.missingKey("test.strin", nearest: "test.string"), file: gguf.file.path)
    ) { try gguf.metadata.string("test.strin") }
    #expect(throws: TensorFileError(.missingTensor("Q4_2", nearest: "Q4_0"), file: gguf.file.path)) {
      try gguf.entry("Q4_2")
    }
    #expect(
      throws: TensorFileError(
        .wrongKeyType(key: "test.u8", expected: "a string", found: "a whole number"), file: gguf.file.path)
    ) { try gguf.metadata.string("test.u8") }
    #expect(throws: TensorFileError(.wrongSize(tensor: "f32", expected: 3, found: 21), file: path)) {
      try floats(3) { try file.readFloats("f32", into: $0) }
    }
  }

  @Test("a folder, a missing file and an empty file are told apart")
  func files() throws {
    func message(_ path: String) -> String {
      do { _ = try SafetensorsFile(path: path) } catch { return diagnostics(of: error).rendered() }
      return "nothing thrown"
    }
    #expect(
      message(folder.path) == """
        \(folder.path): error: Cannot read `\(folder.path)`
          why: Is a directory
          try: name a file inside the folder
        """)
    #expect(message(folder.path("none")).contains("why: No such file or directory"))
    #expect(message(try written([])).contains("the header length needs 8 bytes, the file has 0"))
  }
}
