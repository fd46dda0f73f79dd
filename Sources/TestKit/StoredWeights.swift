import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors

/// The tensors of one safetensors file, for tests of models without model folders.
package struct StoredWeights: WeightSource {
  package let file: SafetensorsFile

  package init(_ path: String) throws { file = try SafetensorsFile(path: path) }

  package var origin: String { file.file.path }
  package func has(_ name: String) -> Bool { file.has(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor { try tensor(named: name) }

  /// A tensor with the shape that the file gives it.
  package func tensor(named name: String) throws -> Tensor {
    let tensor = Tensor(uninitialized: try file.entry(name).shape)
    try file.readFloats(name, into: tensor.buffer)
    return tensor
  }
}

/// The tensors of a GGUF file under Hugging Face's names, for tests of models without model folders.
package struct StoredGGUF: WeightSource {
  package let file: GGUFFile
  package let configuration: ModelConfiguration

  package init(_ path: String) throws {
    let file = try GGUFFile(path: path)
    self.file = file
    configuration = try ModelConfiguration(
      gguf: path, keys: file.metadata.keys,
      value: { key in
        switch file.metadata[key] {
        case let value? where value.int != nil: value.int.map { JSON($0) }
        case let value? where value.double != nil: value.double.map { JSON($0) }
        case let value?: value.string.map { JSON($0) }
        case nil: nil
        }
      },
      tensorShape: { name in try? file.entry(name).shape })
  }

  package var origin: String { file.file.path }
  package func has(_ name: String) -> Bool { stored(name).map { $0.sources.allSatisfy { file.has($0.name) } } ?? false }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let stored = stored(name) else { throw WeightError.unknown(name: name) }
    return try stored.tensor(shape) { try file.readFloats($0.name, part: $0.part, into: $1) }
  }

  private func stored(_ name: String) -> StoredTensor? {
    configuration.tensors.first { $0.name == name }.flatMap { configuration.gguf($0) }
  }
}
