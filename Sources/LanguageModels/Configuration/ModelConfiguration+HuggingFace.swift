import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The configuration that a `config.json` describes.
  ///
  /// Keys that do not change what is computed are ignored; values that mean another computation than ours are errors.
  /// - Parameter file: Where the JSON came from, for messages.
  /// - Throws: ``ModelConfigurationError`` with every problem found.
  package init(huggingFace json: JSON, file: String = "config.json") throws {
    guard let object = json.object else {
      throw ModelConfigurationError(file: file, problems: [.notAnObject(found: json.kind)])
    }
    var reader = ConfigurationReader(file: file) { object[$0] }

    let types = ModelFamily.all.flatMap(\.modelTypes)
    var family = ModelFamily.llama
    if let type = reader.string("model_type") {
      if let known = ModelFamily.of(modelType: type) {
        family = known
      } else {
        reader.report(.unsupported(key: "model_type", found: type, supported: types))
      }
    } else if reader.problems.isEmpty {
      reader.report(.missing(key: "model_type"))
    }
    if let activation = reader.string("hidden_act"), !["silu", "swish"].contains(activation) {
      reader.report(.unsupported(key: "hidden_act", found: activation, supported: ["silu"]))
    }
    if let method = reader.lookup("quantization_config")?["quant_method"]?.string {
      reader.report(.unsupported(key: "quantization_config", found: method, supported: ["none"]))
    }

    let hiddenSize = reader.positive("hidden_size")
    let queryHeads = reader.positive("num_attention_heads")
    let (base, scaling) = Self.rotary(&reader)
    var positions = reader.positive("max_position_embeddings", default: 2048)
    // Within a window the sliding attention is full attention, so that the window is the longest exact sequence.
    if reader.lookup("sliding_window") != nil, reader.flag("use_sliding_window", default: true) {
      positions = min(positions, reader.positive("sliding_window"))
    }
    let configuration = ModelConfiguration(
      family: family, hiddenSize: hiddenSize, layerCount: reader.positive("num_hidden_layers"), queryHeads: queryHeads,
      keyValueHeads: reader.positive("num_key_value_heads", default: queryHeads),
      headDimension: reader.positive("head_dim", default: max(1, hiddenSize / queryHeads)),
      feedForwardSize: reader.positive("intermediate_size"), vocabularySize: reader.positive("vocab_size"),
      maximumPositions: positions, normEpsilon: Float(reader.positiveReal("rms_norm_eps", default: 1e-6)),
      rotaryBase: base, rotaryScaling: scaling, tiesHead: reader.flag("tie_word_embeddings", default: false),
      biases: Self.biases(of: family, &reader))
    self = try reader.finish(configuration)
  }

  private static func biases(of family: ModelFamily, _ reader: inout ConfigurationReader) -> Set<ProjectionKind> {
    switch family.biases {
    case .always(let kinds): return kinds
    case .asConfigured:
      var kinds: Set<ProjectionKind> = []
      if reader.flag("attention_bias", default: false) { kinds.formUnion([.query, .key, .value, .output]) }
      if reader.flag("mlp_bias", default: false) { kinds.formUnion([.gate, .up, .down]) }
      return kinds
    }
  }

  /// The rotary base and scaling: `rope_parameters` as transformers writes from version 5 on, else `rope_theta` with
  /// `rope_scaling`.
  private static func rotary(_ reader: inout ConfigurationReader) -> (base: Double, scaling: RotaryTable.Scaling) {
    let newer = reader.lookup("rope_parameters")
    let key = newer != nil ? "rope_parameters" : "rope_scaling"
    guard let values = newer ?? reader.lookup("rope_scaling") else {
      return (reader.positiveReal("rope_theta", default: 10_000), .none)
    }
    var inner = ConfigurationReader(file: reader.file) { name in
      // Paths keep their parent in messages, so that keys are asked for by their whole path.
      values[String(name.dropFirst(key.count + 1))]
    }
    defer { for problem in inner.problems { reader.report(problem) } }
    let base =
      values["rope_theta"] != nil
      ? inner.positiveReal("\(key).rope_theta") : reader.positiveReal("rope_theta", default: 10_000)
    switch inner.string("\(key).rope_type") ?? inner.string("\(key).type") ?? "default" {
    case "default": return (base, .none)
    case "linear": return (base, .linear(factor: inner.positiveReal("\(key).factor")))
    case "llama3":
      let scaling = RotaryTable.Scaling.llama3(
        factor: inner.positiveReal("\(key).factor"), lowFrequencyFactor: inner.positiveReal("\(key).low_freq_factor"),
        highFrequencyFactor: inner.positiveReal("\(key).high_freq_factor"),
        originalMaximumPosition: inner.positive("\(key).original_max_position_embeddings"))
      return (base, scaling)
    case let other:
      inner.report(
        .unsupported(key: "\(key).rope_type", found: other, supported: ["default", "linear", "llama3"]))
      return (base, .none)
    }
  }
}
