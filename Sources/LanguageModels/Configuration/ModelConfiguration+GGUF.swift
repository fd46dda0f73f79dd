import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The configuration that the metadata of a GGUF file describes.
  ///
  /// - Parameters:
  ///   - file: The file's path, for messages.
  ///   - keys: All keys of the metadata.
  ///   - value: A metadata value as JSON, nil where the file has no such key.
  ///   - tensorShape: The row-major shape of the tensor of this (GGUF) name, nil where the file has none. The tensors
  ///     tell the vocabulary size, whether the head is tied and which linear maps have biases, as in llama.cpp.
  ///   - rotaryFactors: The numbers of the tensor `rope_freqs.weight`, nil where the file has none.
  /// - Throws: ``ModelConfigurationError`` with every problem found.
  package init(
    gguf file: String, keys: [String], value: @escaping (String) -> JSON?, tensorShape: (String) -> [Int]?,
    rotaryFactors: [Float]? = nil
  ) throws {
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
    let embedding = TensorRole.embedding.ggufName
    let vocabularySize = tensorShape(embedding)?.first
    if vocabularySize == nil { reader.report(.missing(key: embedding)) }
    var positions = reader.positive("\(prefix).context_length")
    // As in `config.json`: within the window sliding attention is full attention.
    if reader.lookup("\(prefix).attention.sliding_window") != nil {
      positions = min(positions, reader.positive("\(prefix).attention.sliding_window"))
    }
    let rotaryBase = reader.positiveReal("\(prefix).rope.freq_base", default: 10_000)
    let scaling = Self.scaling(
      prefix, factors: rotaryFactors, headDimension: headDimension, base: rotaryBase, &reader)
    let configuration = ModelConfiguration(
      family: family, hiddenSize: hiddenSize, layerCount: reader.positive("\(prefix).block_count"),
      queryHeads: queryHeads,
      keyValueHeads: reader.positive("\(prefix).attention.head_count_kv", default: queryHeads),
      headDimension: headDimension, feedForwardSize: reader.positive("\(prefix).feed_forward_length"),
      vocabularySize: max(1, vocabularySize ?? 1), maximumPositions: positions,
      normEpsilon: Float(reader.positiveReal("\(prefix).attention.layer_norm_rms_epsilon")),
      rotaryBase: rotaryBase, rotaryScaling: scaling, tiesHead: tensorShape(TensorRole.head.ggufName) == nil,
      biases: Set(ProjectionKind.allCases.filter { tensorShape(TensorRole.bias($0, layer: 0).ggufName) != nil }))
    reader.reportUnread(among: keys, prefix: prefix + ".", .gguf)
    self = try reader.finish(configuration)
  }

  /// How the frequencies are scaled, by llama.cpp's rules: a factor counts where the type is not said to be another
  /// one, an older key gives it too, and the numbers of `rope_freqs.weight` come on top of it.
  private static func scaling(
    _ prefix: String, factors: [Float]?, headDimension: Int, base: Double, _ reader: inout ConfigurationReader
  ) -> RotaryTable.Scaling {
    let type = reader.string("\(prefix).rope.scaling.type") ?? "linear"
    if !["none", "linear"].contains(type) {
      reader.report(.unsupported(key: "\(prefix).rope.scaling.type", found: type, supported: ["none", "linear"]))
    }
    let (newer, older) = ("\(prefix).rope.scaling.factor", "\(prefix).rope.scale_linear")
    let olderFactor = factor(older, &reader)
    let given = factor(newer, &reader) ?? olderFactor
    let linear = type == "none" ? 1 : given ?? 1
    guard let factors else { return linear == 1 ? .none : .linear(factor: linear) }
    guard factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      reader.report(.inconsistent("The tensor `rope_freqs.weight` holds numbers that are not above 0"))
      return .none
    }
    guard linear == 1 else { return .factors(factors.map { $0 * Float(linear) }) }
    return llama3(factors, headDimension: headDimension, base: base) ?? .factors(factors)
  }

  /// A factor above zero; nil where there is none, and for 0, which means none to llama.cpp.
  private static func factor(_ key: String, _ reader: inout ConfigurationReader) -> Double? {
    guard let value = reader.lookup(key), value.double != 0 else { return nil }
    return reader.positiveReal(key)
  }

  /// Llama 3.1's recipe, where the factors are what converters make of it: then the model computes, bit for bit, what
  /// its safetensors do, and is exported by the recipe's name.
  ///
  /// All of Meta's models have the same three numbers beside the factor, which is the largest of the tensor.
  private static func llama3(_ factors: [Float], headDimension: Int, base: Double) -> RotaryTable.Scaling? {
    guard headDimension % 2 == 0, factors.count == headDimension / 2, let largest = factors.max() else { return nil }
    let recipe = RotaryTable.llama3Factors(
      headDimension: headDimension, base: base, factor: Double(largest), lowFrequencyFactor: 1, highFrequencyFactor: 4,
      originalMaximumPosition: 8192)
    // Converters compute in another order, in f32: a few units in the last place, more on the ramp.
    guard zip(factors, recipe).allSatisfy({ abs($0 - $1) <= 1e-5 * $1 }) else { return nil }
    return .llama3(
      factor: Double(largest), lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 8192)
  }
}
