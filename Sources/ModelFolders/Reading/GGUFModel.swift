import Diagnostics
import LanguageModels
import PreciseJSON
import TensorFiles
import Tensors

/// A model in a GGUF file, its tensors dequantised to f32 and put into Hugging Face's order of rows.
package struct GGUFModel: Sendable {
  package let file: GGUFFile
  package let configuration: ModelConfiguration
  private let specifications: [String: TensorSpecification]

  /// Opens the file and checks that its tensors are those of its configuration.
  package init(path: String) throws {
    let file = try GGUFFile(path: path)
    self.file = file
    configuration = try ModelConfiguration(
      gguf: path, keys: file.metadata.keys, value: { file.metadata[$0].map(JSON.init(gguf:)) },
      tensorShape: { name in file.has(name) ? try? file.entry(name).shape : nil },
      rotaryFactors: try Self.rotaryFactors(file))
    let configuration = configuration
    let problems = TensorCheck(
      configuration: configuration, stored: file.entries.map(\.name), name: { configuration.gguf($0.role)?.name },
      shape: { name in file.has(name) ? try? file.entry(name).shape : nil }
    ).problems { $0 == Self.rotaryFactors }
    guard problems.isEmpty else { throw ModelFolderError(path, problems: problems) }
    specifications = configuration.tensorsByName
  }

  /// The tensor that converters write for Llama 3.1 and later; part of the configuration, not of the weights.
  private static let rotaryFactors = "rope_freqs.weight"

  private static func rotaryFactors(_ file: GGUFFile) throws -> [Float]? {
    guard file.has(rotaryFactors) else { return nil }
    let count = try file.entry(rotaryFactors).count
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try file.readFloats(rotaryFactors, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      initialized = count
    }
  }

  /// Whether some tensors are stored in blocks of fewer bits than a number has.
  package var isQuantised: Bool { file.entries.contains { $0.type.blockLength > 1 } }
}

extension GGUFModel: WeightSource {
  package var origin: String { file.file.path }

  package func has(_ name: String) -> Bool { specifications[name] != nil }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let specification = specifications[name] else {
      let nearest = nearestName(to: name, among: specifications.keys.sorted())
      throw ModelFolderError(origin, .missingTensor(name, nearest: nearest))
    }
    guard specification.shape == shape else {
      throw ModelFolderError(origin, .wrongShape(tensor: name, wanted: shape, found: specification.shape))
    }
    let tensor = Tensor(uninitialized: shape)
    guard let stored = configuration.gguf(specification.role) else { throw WeightError.unknown(name: name) }
    try file.readFloats(stored.name, into: tensor.buffer)
    stored.order.restore(tensor.buffer, columns: tensor.columns)
    return tensor
  }
}

extension JSON {
  /// A metadata value of a GGUF file.
  init(gguf value: GGUFValue) {
    switch value {
    case .unsigned(let value): self = .number(JSONNumber(text: String(value)))
    case .signed(let value): self = .number(JSONNumber(text: String(value)))
    case .float(let value): self = JSON(value)
    case .bool(let value): self = .bool(value)
    case .string(let value): self = .string(value)
    case .array(let values): self = .array(values.map(JSON.init(gguf:)))
    }
  }
}
