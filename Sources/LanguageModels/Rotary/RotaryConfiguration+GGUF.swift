import PreciseJSON
import Tensors

extension RotaryConfiguration {
  /// - Parameter headDimension: D.
  init(_ reader: inout GGUFReader, headDimension: Int) {
    let base = reader.positiveReal("rope.freq_base", default: 10_000)
    self.init(base: base, scaling: Self.scaling(headDimension: headDimension, base: base, &reader))
  }

  /// How the frequencies are scaled, by llama.cpp's rules: a factor counts where the type is not said to be another
  /// one, an older key gives it too, and the numbers of `rope_freqs.weight` come on top of it.
  private static func scaling(headDimension: Int, base: Double, _ reader: inout GGUFReader) -> RotaryTable.Scaling {
    let typeKey = reader.key("rope.scaling.type")
    let type = reader.values.string(typeKey) ?? "linear"
    if !["none", "linear"].contains(type) {
      reader.values.report(.unsupported(key: typeKey, found: type, supported: ["none", "linear"]))
    }
    let (newer, older) = (reader.key("rope.scaling.factor"), reader.key("rope.scale_linear"))
    let olderFactor = factor(older, &reader.values)
    let given = factor(newer, &reader.values) ?? olderFactor
    let linear = type == "none" ? 1 : given ?? 1
    guard let factors = reader.rotaryFactors else { return linear == 1 ? .none : .linear(factor: linear) }
    guard factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      reader.values.report(.inconsistent("The tensor `rope_freqs.weight` holds numbers that are not above 0"))
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
