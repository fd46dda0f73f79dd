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
  /// Maps of single experts, which Hugging Face's files hold together.
  private let parts: [String: TensorSpecification]

  /// Opens the file and checks that its tensors are those of its configuration.
  package init(path: String) throws {
    let file = try GGUFFile(path: path)
    self.file = file
    let factors = try Self.rotaryFactors(file)
    configuration = try ModelConfiguration(
      gguf: path, keys: file.metadata.keys, value: { file.metadata[$0].map(JSON.init(gguf:)) },
      tensorShape: { name in file.has(name) ? try? file.entry(name).shape : nil },
      rotaryFactors: { factors[$0] })
    let configuration = configuration
    let problems = TensorCheck(
      configuration: configuration, stored: file.entries.map(\.name),
      places: { tensor in
        (configuration.gguf(tensor, has: file.has)?.sources ?? []).map { ($0.name, $0.shape) }
      },
      shape: { name in file.has(name) ? try? file.entry(name).shape : nil }, passesOverOnes: true
    ).problems { factors[$0] != nil }
    guard problems.isEmpty else { throw ModelFolderError(path, problems: problems) }
    specifications = configuration.tensorsByName
    parts = Dictionary(configuration.expertParts.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// What converters write of rotary scalings; part of the configuration, not of the weights.
  private static func rotaryFactors(_ file: GGUFFile) throws -> [String: [Float]] {
    var all: [String: [Float]] = [:]
    for name in ["rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight"] where file.has(name) {
      let count = try file.entry(name).count
      all[name] = try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        try file.readFloats(name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
      }
    }
    return all
  }

  /// Whether some tensors are stored in blocks of fewer bits than a number has.
  package var isQuantised: Bool { file.entries.contains { $0.type.blockLength > 1 } }
}

extension GGUFModel: WeightSource {
  package var origin: String { file.file.path }

  package func has(_ name: String) -> Bool { specifications[name] != nil }
  package func hasPart(_ name: String) -> Bool { parts[name] != nil }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let specification = specifications[name] ?? parts[name] else {
      throw ModelFolderError(origin, .missingTensor(name, nearest: nil))
    }
    guard specification.shape == shape else {
      throw ModelFolderError(origin, .wrongShape(tensor: name, wanted: shape, found: specification.shape))
    }
    guard let stored = configuration.gguf(specification, has: file.has) else { throw WeightError.unknown(name: name) }
    return try stored.tensor(shape) { source, numbers in
      try file.readFloats(source.name, part: source.part, into: numbers)
    }
  }
}

extension GGUFModel {
  package func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)? {
    guard let specification = specifications[name] ?? parts[name], specification.shape == shape, shape.count >= 2,
      let stored = configuration.gguf(specification, has: file.has),
      let source = stored.matrix(transposed: transposed), case let entry = try file.entry(source.name),
      let format = BlockFormat.named(entry.type.name), let last = shape.last
    else { return nil }
    let first = shape.dropLast().reduce(1, *)
    let (rows, columns) = transposed ? (last, first) : (first, last)
    let bytes = UnsafeRawBufferPointer(rebasing: file.file.bytes[entry.range(of: source.part)])
    return try BlockWeight(
      format, rows: rows, columns: columns,
      bytes: StoredBytes(bytes, of: file.file) { [file = file.file] in try file.checkUnchanged() },
      order: stored.order.places(of: rows))
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
