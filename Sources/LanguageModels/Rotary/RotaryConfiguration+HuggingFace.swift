import PreciseJSON
import Tensors

extension RotaryConfiguration {
  /// The rotary base and scaling: `rope_parameters` as transformers writes from version 5 on, else `rope_theta` with
  /// `rope_scaling`.
  init(_ reader: inout ConfigurationReader) {
    let newer = reader.lookup("rope_parameters")
    let older = reader.lookup("rope_scaling")
    let key = newer != nil ? "rope_parameters" : "rope_scaling"
    // Read in any case, so that the base is never taken for a key that nobody knows.
    let plainBase = reader.positiveReal("rope_theta", default: 10_000)
    guard let values = newer ?? older else {
      self.init(base: plainBase)
      return
    }
    var inner = ConfigurationReader(file: reader.file) { name in
      // Paths keep their parent in messages, so that keys are asked for by their whole path.
      values[String(name.dropFirst(key.count + 1))]
    }
    defer { for problem in inner.problems { reader.report(problem) } }
    let base = values["rope_theta"] != nil ? inner.positiveReal("\(key).rope_theta") : plainBase
    // Both names stand in files of some versions.
    let (type, olderType) = (inner.string("\(key).rope_type"), inner.string("\(key).type"))
    self.init(base: base, scaling: Self.scaling(key, type ?? olderType ?? "default", &inner))
    // What a scaling that is refused would need is not worth a word.
    guard inner.problems.isEmpty else { return }
    inner.reportUnread(among: (values.object?.keys ?? []).map { "\(key).\($0)" }, prefix: "\(key).", .rotary)
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

  /// The members of a `config.json` that say the same.
  ///
  /// - Parameter positions: The longest sequence that the model was made for.
  func members(positions: Int) -> [(key: String, value: JSON)] {
    [("rope_scaling", scaling.json(positions)), ("rope_theta", JSON(base))]
  }
}

extension RotaryTable.Scaling {
  /// The `rope_scaling` of a `config.json`.
  fileprivate func json(_ maximumPositions: Int) -> JSON {
    switch self {
    case .none: .null
    case .linear(let factor): ["rope_type": "linear", "factor": JSON(factor)]
    case .llama3(let factor, let low, let high, let original):
      [
        "rope_type": "llama3", "factor": JSON(factor), "low_freq_factor": JSON(low), "high_freq_factor": JSON(high),
        "original_max_position_embeddings": JSON(original),
      ]
    case .factors(let factors):
      [
        "rope_type": "longrope", "attention_factor": 1.0, "factor": 1.0, "long_factor": .array(factors.map(Self.json)),
        "original_max_position_embeddings": JSON(maximumPositions), "short_factor": .array(factors.map(Self.json)),
      ]
    }
  }
}

extension RotaryTable.Scaling {
  /// The shortest text that reads back as the same 32-bit number.
  private static func json(_ factor: Float) -> JSON { .number(JSONNumber(text: "\(factor)")) }
}
