import PreciseJSON

extension RotaryScaling {
  private static let types = ["default", "linear", "dynamic", "yarn", "llama3", "longrope"]

  /// A scaling of transformers.
  ///
  /// - Parameters:
  ///   - key: The path of the object that `inner` reads.
  ///   - positions: The longest text that the model was made for.
  ///   - original: A length that stands outside of the object, which counts more.
  ///   - readsAlpha: Whether the family knows a scaling by `alpha`.
  init(
    _ inner: inout ConfigurationReader, _ key: String, type: String, positions: Int, original: Int?, readsAlpha: Bool
  ) {
    func originalPositions() -> Int {
      let inside = inner.positive("\(key).original_max_position_embeddings", default: positions)
      return original ?? inside
    }
    switch type {
    case "default": self = .none
    case "linear": self = .linear(factor: inner.positiveReal("\(key).factor"))
    case "dynamic":
      let hasAlpha = readsAlpha && inner.lookup("\(key).alpha") != nil
      let factor = inner.positiveReal("\(key).factor", default: hasAlpha ? 1 : nil)
      let alpha = hasAlpha ? inner.positiveReal("\(key).alpha") : 0
      // HunYuan's files hold YaRN's numbers beside it, which count for nothing.
      if alpha > 0 {
        inner.passOver(
          "\(key).beta_fast", "\(key).beta_slow", "\(key).mscale", "\(key).mscale_all_dim")
      }
      self = alpha > 0 ? .alpha(alpha) : .dynamic(factor: factor)
    case "llama3":
      self = .llama3(
        factor: inner.positiveReal("\(key).factor"), lowFrequencyFactor: inner.positiveReal("\(key).low_freq_factor"),
        highFrequencyFactor: inner.positiveReal("\(key).high_freq_factor"),
        originalMaximumPosition: originalPositions())
    case "yarn": self = .yarn(Yarn(&inner, key, positions: positions, originalPositions: originalPositions()))
    case "longrope", "su":
      self = .longRope(LongRope(&inner, key, positions: positions, originalPositions: originalPositions()))
    default:
      inner.report(.unsupported(key: "\(key).rope_type", found: type, supported: Self.types))
      self = .none
    }
  }

  /// The `rope_scaling` of a `config.json`.
  var json: JSON {
    switch self {
    case .none: .null
    case .linear(let factor): ["rope_type": "linear", "factor": JSON(factor)]
    case .dynamic(let factor): ["rope_type": "dynamic", "factor": JSON(factor)]
    case .alpha(let alpha): ["rope_type": "dynamic", "alpha": JSON(alpha), "factor": 1.0]
    case .llama3(let factor, let low, let high, let original):
      [
        "rope_type": "llama3", "factor": JSON(factor), "low_freq_factor": JSON(low), "high_freq_factor": JSON(high),
        "original_max_position_embeddings": JSON(original),
      ]
    case .yarn(let yarn): yarn.json
    case .longRope(let longRope): longRope.json
    }
  }
}

extension Yarn {
  fileprivate init(_ inner: inout ConfigurationReader, _ key: String, positions: Int, originalPositions: Int) {
    // 0 means the default here.
    func beta(_ name: String, _ fallback: Double) -> Double {
      inner.lookup("\(key).\(name)")?.double == 0 ? fallback : inner.positiveReal("\(key).\(name)", default: fallback)
    }
    func real(_ name: String) -> Double? { inner.realIfPresent("\(key).\(name)") }
    self.init(
      factor: inner.positiveReal("\(key).factor", default: Double(positions) / Double(originalPositions)),
      originalMaximumPosition: originalPositions, betaFast: beta("beta_fast", 32), betaSlow: beta("beta_slow", 1),
      givenAttentionFactor: real("attention_factor"), mscale: real("mscale"),
      mscaleAllDimensions: real("mscale_all_dim"), truncates: inner.flag("\(key).truncate", default: true))
  }

  fileprivate var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("rope_type", "yarn"), ("factor", JSON(factor)), ("beta_fast", JSON(betaFast)), ("beta_slow", JSON(betaSlow)),
      ("original_max_position_embeddings", JSON(originalMaximumPosition)), ("truncate", JSON(truncates)),
    ]
    for (name, value) in [
      ("attention_factor", givenAttentionFactor), ("mscale", mscale), ("mscale_all_dim", mscaleAllDimensions),
    ] {
      if let value { members.append((name, JSON(value))) }
    }
    return JSON(members)
  }
}

extension LongRope {
  fileprivate init(_ inner: inout ConfigurationReader, _ key: String, positions: Int, originalPositions: Int) {
    func factors(_ name: String) -> [Float] {
      let values = inner.lookup("\(key).\(name)")?.array ?? []
      let found = values.compactMap(\.double)
      guard found.count == values.count, !found.isEmpty, found.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        inner.report(.missing(key: "\(key).\(name)"))
        return []
      }
      return found.map { Float($0) }
    }
    let (short, long) = (factors("short_factor"), factors("long_factor"))
    if short.count != long.count, !short.isEmpty, !long.isEmpty {
      inner.report(
        .inconsistent("`\(key)` has \(short.count) factors for short texts and \(long.count) for long ones"))
    }
    self.init(
      shortFactors: short, longFactors: long, originalMaximumPosition: originalPositions,
      factor: inner.lookup("\(key).factor").map { _ in inner.positiveReal("\(key).factor") },
      attentionFactor: inner.realIfPresent("\(key).attention_factor"), maximumPosition: positions)
  }

  fileprivate var json: JSON {
    // The shortest text that reads back as the same 32-bit number.
    func numbers(_ factors: [Float]) -> JSON { .array(factors.map { .number(JSONNumber(text: "\($0)")) }) }
    var members: [(key: String, value: JSON)] = [
      ("rope_type", "longrope"), ("short_factor", numbers(shortFactors)), ("long_factor", numbers(longFactors)),
      ("original_max_position_embeddings", JSON(originalMaximumPosition)),
    ]
    for (name, value) in [("factor", factor), ("attention_factor", attentionFactor)] {
      if let value { members.append((name, JSON(value))) }
    }
    return JSON(members)
  }
}
