import PreciseJSON
import Tensors

extension RotaryConfiguration {
  /// The rotary positions of a GGUF file, by llama.cpp's rules.
  ///
  /// - Parameters:
  ///   - dimension: How many elements of a head turn.
  ///   - positions: The longest text that the model was made for.
  init(_ reader: inout GGUFReader, dimension: Int, positions: Int, turnsPairs: Bool = false) {
    let base = reader.positiveReal("rope.freq_base", default: 10_000)
    self.init(
      base: base, scaling: RotaryScaling(&reader, dimension: dimension, base: base, positions: positions),
      dimension: dimension, turnsPairs: turnsPairs)
  }
}

extension Yarn {
  /// The keys that converters take over from `config.json`: llama.cpp passes over most of them, and then computes
  /// something else than the model does where they are not the usual ones.
  fileprivate init(_ reader: inout GGUFReader, factor: Double, originalMaximumPosition: Int) {
    self.init(
      factor: factor, originalMaximumPosition: originalMaximumPosition,
      betaFast: reader.positiveReal("rope.scaling.yarn_beta_fast", default: 32),
      betaSlow: reader.positiveReal("rope.scaling.yarn_beta_slow", default: 1),
      givenAttentionFactor: reader.realUnlessZero("rope.scaling.yarn_attn_factor"))
    // A tenth of `mscale_all_dim`; `mscale`, which is the same in all published models, is not written.
    if let tenth = reader.realUnlessZero("rope.scaling.yarn_log_multiplier") {
      (mscale, mscaleAllDimensions) = (tenth * 10, tenth * 10)
    }
  }
}

extension RotaryScaling {
  private static let factors = "rope_freqs.weight"

  /// How frequencies are scaled: a factor counts where the type is not said to be another one, an older key gives it too,
  /// and the numbers of `rope_freqs.weight` come on top of it.
  fileprivate init(_ reader: inout GGUFReader, dimension: Int, base: Double, positions: Int) {
    let typeKey = reader.key("rope.scaling.type")
    let type = reader.values.string(typeKey) ?? "linear"
    let types = ["none", "linear", "yarn", "longrope"]
    if !types.contains(type) { reader.values.report(.unsupported(key: typeKey, found: type, supported: types)) }
    let original = reader.positive("rope.scaling.original_context_length", default: positions)
    if let short = reader.rotaryFactors("rope_factors_short.weight"),
      let long = reader.rotaryFactors("rope_factors_long.weight")
    {
      self = .longRope(
        LongRope(
          shortFactors: short, longFactors: long, originalMaximumPosition: original,
          attentionFactor: reader.positiveReal("rope.scaling.attn_factor", default: 1), maximumPosition: positions))
      return
    }
    let (newer, older) = (reader.key("rope.scaling.factor"), reader.key("rope.scale_linear"))
    let olderFactor = Self.factor(older, &reader.values)
    let given = Self.factor(newer, &reader.values) ?? olderFactor
    if type == "yarn" {
      self = .yarn(Yarn(&reader, factor: given ?? 1, originalMaximumPosition: original))
      return
    }
    let linear = type == "none" ? 1 : given ?? 1
    guard let factors = reader.rotaryFactors(Self.factors) else {
      self = linear == 1 ? .none : .linear(factor: linear)
      return
    }
    guard factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      reader.values.report(.inconsistent("The tensor `\(Self.factors)` holds numbers that are not above 0"))
      self = .none
      return
    }
    self =
      linear != 1
      ? .longRope(LongRope(factors: factors.map { $0 * Float(linear) }, maximumPosition: positions))
      : Self.llama3(factors, dimension: dimension, base: base)
        ?? .longRope(LongRope(factors: factors, maximumPosition: positions))
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
  private static func llama3(_ factors: [Float], dimension: Int, base: Double) -> RotaryScaling? {
    guard dimension % 2 == 0, factors.count == dimension / 2, let largest = factors.max() else { return nil }
    let recipe = llama3Factors(
      dimension: dimension, base: base, factor: Double(largest), lowFrequencyFactor: 1, highFrequencyFactor: 4,
      originalMaximumPosition: 8192)
    // Converters compute in another order, in f32: a few units in the last place, more on the ramp.
    guard zip(factors, recipe).allSatisfy({ abs($0 - $1) <= 1e-5 * $1 }) else { return nil }
    return .llama3(
      factor: Double(largest), lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 8192)
  }
}
