import PreciseJSON
import Tensors

extension ModelConfiguration {
  /// The configuration that a `config.json` describes.
  ///
  /// Keys that are known not to change what is computed are passed over (``KnownKeys``); values that mean another
  /// computation than ours, and keys that nobody knows, are errors.
  /// - Parameter file: Where the JSON came from, for messages.
  /// - Throws: ``ModelConfigurationError`` with every problem found.
  package init(huggingFace json: JSON, file: String = "config.json") throws {
    guard let object = json.object else {
      throw ModelConfigurationError(file: file, problems: [.notAnObject(found: json.kind)])
    }
    var reader = ConfigurationReader(file: file) { object[$0] }

    let types = ModelFamily.all.flatMap(\.modelTypes)
    var family = ModelFamily.llama
    var isKnown = false
    if let type = reader.string("model_type") {
      if let known = ModelFamily.of(modelType: type) {
        (family, isKnown) = (known, true)
      } else {
        reader.report(.unsupported(key: "model_type", found: type, supported: types))
      }
    } else if reader.problems.isEmpty {
      reader.report(.missing(key: "model_type"))
    }
    if let activation = reader.string("hidden_act"), !["silu", "swish"].contains(activation) {
      reader.report(.unsupported(key: "hidden_act", found: activation, supported: ["silu"]))
    }
    if let quantization = reader.lookup("quantization_config") {
      let method = quantization["quant_method"]?.string ?? quantization.kind
      reader.report(.unsupported(key: "quantization_config", found: method, supported: ["none"]))
    }

    let hiddenSize = reader.positive("hidden_size")
    let queryHeads = reader.positive("num_attention_heads")
    let (base, scaling) = Self.rotary(&reader)
    var positions = reader.positive("max_position_embeddings", default: 2048)
    for type in reader.lookup("layer_types")?.array ?? []
    where !["full_attention", "sliding_attention"].contains(type.string ?? "") {
      reader.report(
        .unsupported(
          key: "layer_types", found: type.string ?? type.kind, supported: ["full_attention", "sliding_attention"]))
      break
    }
    // Within a window the sliding attention is full attention, so that the window is the longest exact sequence.
    let (window, usesWindow) = (reader.lookup("sliding_window"), reader.flag("use_sliding_window", default: true))
    if usesWindow, window != nil {
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
    if isKnown { reader.reportUnread(among: object.keys, .huggingFace) }
    self = try reader.finish(configuration)
  }

  private static func biases(of family: ModelFamily, _ reader: inout ConfigurationReader) -> Set<ProjectionKind> {
    // Families with biases of their own have these keys in some files, and transformers passes over them there.
    let attention = reader.flag("attention_bias", default: false)
    let feedForward = reader.flag("mlp_bias", default: false)
    switch family.biases {
    case .always(let kinds): return kinds
    case .asConfigured:
      var kinds: Set<ProjectionKind> = []
      if attention { kinds.formUnion([.query, .key, .value, .output]) }
      if feedForward { kinds.formUnion([.gate, .up, .down]) }
      return kinds
    }
  }

  /// The rotary base and scaling: `rope_parameters` as transformers writes from version 5 on, else `rope_theta` with
  /// `rope_scaling`.
  private static func rotary(_ reader: inout ConfigurationReader) -> (base: Double, scaling: RotaryTable.Scaling) {
    let newer = reader.lookup("rope_parameters")
    let older = reader.lookup("rope_scaling")
    let key = newer != nil ? "rope_parameters" : "rope_scaling"
    // Read in any case, so that the base is never taken for a key that nobody knows.
    let plainBase = reader.positiveReal("rope_theta", default: 10_000)
    guard let values = newer ?? older else { return (plainBase, .none) }
    var inner = ConfigurationReader(file: reader.file) { name in
      // Paths keep their parent in messages, so that keys are asked for by their whole path.
      values[String(name.dropFirst(key.count + 1))]
    }
    defer { for problem in inner.problems { reader.report(problem) } }
    let base = values["rope_theta"] != nil ? inner.positiveReal("\(key).rope_theta") : plainBase
    // Both names stand in files of some versions.
    let (type, olderType) = (inner.string("\(key).rope_type"), inner.string("\(key).type"))
    let scaling = scaling(key, type ?? olderType ?? "default", &inner)
    // What a scaling that is refused would need is not worth a word.
    guard inner.problems.isEmpty else { return (base, scaling) }
    inner.reportUnread(among: (values.object?.keys ?? []).map { "\(key).\($0)" }, prefix: "\(key).", .rotary)
    return (base, scaling)
  }

  private static func scaling(
    _ key: String, _ type: String, _ inner: inout ConfigurationReader
  ) -> RotaryTable.Scaling {
    switch type {
    case "default": return .none
    case "linear": return .linear(factor: inner.positiveReal("\(key).factor"))
    case "llama3":
      return .llama3(
        factor: inner.positiveReal("\(key).factor"), lowFrequencyFactor: inner.positiveReal("\(key).low_freq_factor"),
        highFrequencyFactor: inner.positiveReal("\(key).high_freq_factor"),
        originalMaximumPosition: inner.positive("\(key).original_max_position_embeddings"))
    case "longrope": return longRope(key, &inner)
    case let other:
      inner.report(
        .unsupported(key: "\(key).rope_type", found: other, supported: ["default", "linear", "llama3", "longrope"]))
      return .none
    }
  }

  /// Factors that are the same for short and long texts; how a GGUF's own factors are written.
  private static func longRope(_ key: String, _ inner: inout ConfigurationReader) -> RotaryTable.Scaling {
    func factors(_ name: String) -> [Float]? {
      let found = inner.lookup("\(key).\(name)")?.array?.compactMap(\.double) ?? []
      guard !found.isEmpty, found.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
      return found.map { Float($0) }
    }
    guard let short = factors("short_factor"), let long = factors("long_factor") else {
      inner.report(.missing(key: "\(key).short_factor"))
      return .none
    }
    if short != long {
      inner.report(
        .unsupported(key: "\(key).long_factor", found: "another list than `short_factor`", supported: ["the same list"])
      )
    }
    // Without it transformers derives one from `factor` and scales sines and cosines by it.
    if inner.lookup("\(key).attention_factor") == nil { inner.report(.missing(key: "\(key).attention_factor")) }
    _ = inner.lookup("\(key).factor")
    return .factors(short)
  }
}
