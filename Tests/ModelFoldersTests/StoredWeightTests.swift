import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// Weights that stay as files have them, and forms that weights are rounded to, against what other programs make of them.
@Suite struct StoredWeightTests {
  private static let computes = KernelSet.available.map { Compute(pool: ThreadPool(threads: 1), kernels: $0) }

  @Test(
    "every type of GGUF files is a format of weights, expanded to the same bits as gguf's",
    arguments: GGUFTensorType.allCases)
  func formats(type: GGUFTensorType) throws {
    let format = try #require(BlockFormat.named(type.name))
    #expect((format.length, format.size) == (type.blockLength, type.blockSize))
    let file = try GGUFFile(path: fixture("TensorFiles/types.gguf"))
    let expected = try SafetensorsFile(path: fixture("TensorFiles/expected.safetensors"))
    let entry = try file.entry(type.name)
    let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[entry.range])
    let weight = try BlockWeight(
      format, rows: entry.shape[0], columns: entry.shape[1],
      bytes: StoredBytes(bytes, of: file.file, check: file.file.check))
    for compute in Self.computes {
      #expect(weight.numbers(compute).buffer.map(\.bitPattern) == (try expected.bits("gguf.\(type.name)")))
    }
  }

  /// See `scripts/reference/nf4.py`: values on borders between two codes, blocks of zeros, blocks over the ends of rows.
  @Test("nf4 with double quantisation is bitsandbytes'", arguments: ["special", "square", "narrow", "short", "many"])
  func nf4(name: String) throws {
    let fixtures = try readJSON(fixture("Quantization/nf4.json"))
    #expect(NF4Weight.dynamicMap == (try floats(fixtures["double_code"])))
    let matrix = try #require(fixtures["matrices"]?.array?.first { $0["name"]?.string == name })
    let shape = (matrix["shape"]?.array ?? []).compactMap(\.int)
    let weight =
      name == "special"
      ? Tensor(shape: shape, values: try floats(matrix["values"])) : scaledTensor(name, shape: shape)
    if name != "special" { #expect(Array(weight.values.prefix(8)) == (try floats(matrix["first_values"]))) }
    let norm = try #require(matrix["restored_norm_double"]?.double)
    let mean = Float(try #require(matrix["double"]?["offset"]?.double))
    for compute in Self.computes {
      let numbers = NF4Weight(rounding: weight, compute).numbers(compute).values
      let found = numbers.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(found - norm) < 1e-7 * norm, "\(compute.kernels.name)")
      if matrix["restored_double"] == nil { continue }
      let wanted = try floats(matrix["restored_double"])
      // The mean of the blocks' largest numbers may be another in the last place: torch adds them up in its own order.
      #expect(zip(numbers, wanted).allSatisfy { abs($0 - $1) <= 0x1p-22 * (abs($1) + mean) }, "\(compute.kernels.name)")
    }
  }

  private func floats(_ json: JSON?) throws -> [Float] {
    let numbers = try #require(json?.array)
    return numbers.compactMap { $0.double.map { Float($0) } }
  }

  /// `scaled` of the script: rows of different size, of values that are near zero more often than not.
  private func scaledTensor(_ name: String, shape: [Int]) -> Tensor {
    let tensor = patternedTensor(name, shape: shape, amplitude: 1)
    let (first, last): (Float, Float) = (0.01, 2)
    let step = (last - first) / Float(shape[0] - 1)
    for row in 0..<shape[0] {
      // As torch.linspace.
      let factor =
        row < shape[0] / 2
        ? first.addingProduct(step, Float(row)) : last.addingProduct(-step, Float(shape[0] - 1 - row))
      for index in row * shape[1]..<(row + 1) * shape[1] {
        tensor.pointer[index] = tensor.pointer[index] * abs(tensor.pointer[index]) * factor
      }
    }
    return tensor
  }

  /// Every matrix of a model, in quantised blocks; Llama's queries and keys lie in another order than ours.
  @Test(
    "every matrix of a real file is what is read of it in floats",
    arguments: ["SmolLM2-135M-Instruct.Q4_1", "gemma-3-270m-q4_k_m"])
  func matrices(name: String) throws {
    guard let path = realAsset("models/\(name).gguf") else { return }
    let model = try ModelFolder.open(path)
    let formats = try model.storedFormats
    let matrices = model.configuration.tensors.filter { $0.shape.count == 2 }
    #expect(formats.keys.sorted() == matrices.map(\.name).sorted())
    for tensor in matrices where !tensor.name.contains("layers.1") {
      let stored = try #require(
        try model.weights.stored(named: tensor.name, shape: tensor.shape, transposed: false))
      #expect(formats[tensor.name] == stored.formatName)
      let plain = try model.weights.tensor(named: tensor.name, shape: tensor.shape)
      #expect(stored.numbers(Self.computes[0]).values == plain.values, "\(tensor.name)")
    }
  }

  private static let plans: [(name: String, maps: PrecisionPlan.Maps, bound: Double)] = [
    ("SmolLM2-135M-Instruct.Q4_1", .stored, 1e-5), ("gemma-3-270m-q4_k_m", .stored, 1e-5),
    ("SmolLM2-135M-Instruct.Q4_1", .bf16, 2e-3), ("SmolLM2-135M-Instruct.Q4_1", .int8, 5e-3),
    ("SmolLM2-135M-Instruct.Q4_1", .nf4, 0.2),
  ]

  /// The loss of a model whose weights are held otherwise, against that of the file's numbers in floats.
  @Test("the loss of a plan", arguments: plans)
  func loss(name: String, maps: PrecisionPlan.Maps, bound: Double) throws {
    guard let path = realAsset("models/\(name).gguf") else { return }
    let folder = try ModelFolder.open(path)
    let compute = Compute(pool: ThreadPool(threads: 2), kernels: .best)
    let ids: [Int32] = [1, 4093, 198, 2683, 359, 253, 5356, 11173, 28]
    func loss(_ plan: PrecisionPlan) throws -> Double {
      let model = try folder.languageModel(compute: compute, plan: plan)
      let logits = try model.logits(
        ids: ids, layout: SequenceLayout(lengths: [ids.count]), rows: (0..<Int32(ids.count - 1)).map { $0 })
      return (0..<ids.count - 1).reduce(0.0) { sum, row in
        let scores = logits.buffer[row * logits.columns..<(row + 1) * logits.columns]
        let most = Double(scores.max() ?? 0)
        let all = scores.reduce(0.0) { $0 + exp(Double($1) - most) }
        return sum + most + log(all) - Double(scores[row * logits.columns + Int(ids[row + 1])])
      } / Double(ids.count - 1)
    }
    let (found, wanted) = (try loss(PrecisionPlan(maps: maps)), try loss(PrecisionPlan()))
    #expect(abs(found - wanted) / wanted < bound, "\(found) for \(wanted)")
  }

  /// What somebody writes into a file that a model is read from is found before its numbers are believed.
  @Test func aFileThatIsWrittenToIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("data")
    try Data(repeating: 7, count: 100_000).write(to: URL(fileURLWithPath: path))
    let file = try MappedFile(path: path)
    let bytes = StoredBytes(file.bytes, of: file, check: file.checkUnchanged)
    try bytes.check()
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.write(contentsOf: Data([8, 8]))
    try handle.close()
    let error = #expect(throws: FileError.self) { try bytes.check() }
    #expect(
      error?.diagnostics.rendered() == """
        \(path): error: `\(path)` was changed while a model's weights were read from it
          try: run again when nothing writes to it
        """)
    // Another file in its place leaves this one as it was.
    let other = try MappedFile(path: path)
    try Data(repeating: 9, count: 10).write(to: URL(fileURLWithPath: path), options: .atomic)
    try other.checkUnchanged()
  }
}

extension SafetensorsFile {
  fileprivate func floats(_ name: String) throws -> [Float] {
    let count = try entry(name).count
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try readFloats(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  fileprivate func bits(_ name: String) throws -> [UInt32] { try floats(name).map(\.bitPattern) }
}
