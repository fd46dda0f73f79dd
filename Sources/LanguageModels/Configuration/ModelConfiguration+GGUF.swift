import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The configuration that the metadata of a GGUF file describes.
  ///
  /// - Parameters:
  ///   - file: The file's path, for messages.
  ///   - value: A metadata value as JSON, nil where the file has no such key.
  ///   - tensorShape: The row-major shape of the tensor of this (GGUF) name, nil where the file has none. The tensors
  ///     tell the vocabulary size, whether the head is tied and which linear maps have biases, as in llama.cpp.
  /// - Throws: ``ModelConfigurationError`` with every problem found.
  package init(gguf file: String, value: @escaping (String) -> JSON?, tensorShape: (String) -> [Int]?) throws {
    var reader = ConfigurationReader(file: file, lookup: value)
    guard let architecture = reader.string("general.architecture") else {
      throw ModelConfigurationError(
        file: file, problems: reader.problems.isEmpty ? [.missing(key: "general.architecture")] : reader.problems)
    }
    guard let family = ModelFamily.of(ggufArchitecture: architecture) else {
      let problem = ModelConfigurationError.Problem.unsupported(
        key: "general.architecture", found: architecture, supported: ModelFamily.all.map(\.ggufArchitecture))
      throw ModelConfigurationError(file: file, problems: [problem])
    }
    let prefix = family.ggufArchitecture
    let hiddenSize = reader.positive("\(prefix).embedding_length")
    let queryHeads = reader.positive("\(prefix).attention.head_count")
    let headDimension = reader.positive("\(prefix).attention.key_length", default: max(1, hiddenSize / queryHeads))
    let valueLength = reader.positive("\(prefix).attention.value_length", default: headDimension)
    let rotated = reader.positive("\(prefix).rope.dimension_count", default: headDimension)
    if valueLength != headDimension || rotated != headDimension {
      reader.report(
        .inconsistent(
          "Heads have \(headDimension) elements, values \(valueLength) and rotary positions \(rotated): they must agree"
        ))
    }
    if tensorShape("rope_freqs.weight") != nil {
      reader.report(.unsupported(key: "rope_freqs.weight", found: "a tensor", supported: ["none", "linear"]))
    }
    let embedding = TensorRole.embedding.ggufName
    let vocabularySize = tensorShape(embedding)?.first
    if vocabularySize == nil { reader.report(.missing(key: embedding)) }
    let configuration = ModelConfiguration(
      family: family, hiddenSize: hiddenSize, layerCount: reader.positive("\(prefix).block_count"),
      queryHeads: queryHeads,
      keyValueHeads: reader.positive("\(prefix).attention.head_count_kv", default: queryHeads),
      headDimension: headDimension, feedForwardSize: reader.positive("\(prefix).feed_forward_length"),
      vocabularySize: max(1, vocabularySize ?? 1), maximumPositions: reader.positive("\(prefix).context_length"),
      normEpsilon: Float(reader.positiveReal("\(prefix).attention.layer_norm_rms_epsilon")),
      rotaryBase: reader.positiveReal("\(prefix).rope.freq_base", default: 10_000),
      rotaryScaling: Self.scaling(prefix, &reader), tiesHead: tensorShape(TensorRole.head.ggufName) == nil,
      biases: Set(ProjectionKind.allCases.filter { tensorShape(TensorRole.bias($0, layer: 0).ggufName) != nil }))
    self = try reader.finish(configuration)
  }

  private static func scaling(_ prefix: String, _ reader: inout ConfigurationReader) -> RotaryTable.Scaling {
    switch reader.string("\(prefix).rope.scaling.type") ?? "none" {
    case "none": return .none
    case "linear": return .linear(factor: reader.positiveReal("\(prefix).rope.scaling.factor"))
    case let other:
      reader.report(
        .unsupported(key: "\(prefix).rope.scaling.type", found: other, supported: ["none", "linear"]))
      return .none
    }
  }
}
