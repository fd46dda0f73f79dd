import Glibc
import Tensors

/// YaRN (arXiv:2309.00071): low frequencies divided by a factor, high ones kept, a ramp between, and
/// larger cosines and sines.
package struct Yarn: Sendable, Hashable {
  package var factor: Double
  package var originalMaximumPosition: Int
  /// How often a frequency turns within the original length for the ramp to begin, and to end.
  package var betaFast: Double
  package var betaSlow: Double
  /// What cosines and sines are multiplied by; nil where the rule of the paper tells.
  package var givenAttentionFactor: Double?
  /// DeepSeek's two parts of that rule.
  package var mscale: Double?
  package var mscaleAllDimensions: Double?
  /// Whether the ends of the ramp are whole numbers.
  package var truncates: Bool

  package init(
    factor: Double, originalMaximumPosition: Int, betaFast: Double = 32, betaSlow: Double = 1,
    givenAttentionFactor: Double? = nil, mscale: Double? = nil, mscaleAllDimensions: Double? = nil,
    truncates: Bool = true
  ) {
    self.factor = factor
    self.originalMaximumPosition = originalMaximumPosition
    self.betaFast = betaFast
    self.betaSlow = betaSlow
    self.givenAttentionFactor = givenAttentionFactor
    self.mscale = mscale
    self.mscaleAllDimensions = mscaleAllDimensions
    self.truncates = truncates
  }

  /// What cosines and sines are multiplied by.
  package var attentionFactor: Double {
    if let givenAttentionFactor { return givenAttentionFactor }
    if let mscale, let mscaleAllDimensions, mscale != 0, mscaleAllDimensions != 0 {
      return magnitude(mscale) / magnitude(mscaleAllDimensions)
    }
    return magnitude(1)
  }

  /// 0.1 · k · ln factor + 1.
  func magnitude(_ k: Double) -> Double { factor <= 1 ? 1 : 0.1 * k * log(factor) + 1 }

  /// The frequencies of `dimension` turned elements.
  package func frequencies(dimension: Int, base: Double) -> [Float] {
    /// The index of the frequency that turns so often within the original length.
    func place(_ turns: Double) -> Double {
      Double(dimension) * log(Double(originalMaximumPosition) / (turns * 2 * .pi)) / (2 * log(base))
    }
    var (low, high) = (place(betaFast), place(betaSlow))
    if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    low = max(low, 0)
    high = min(high, Double(dimension - 1))
    if low == high { high += 0.001 }
    return (0..<dimension / 2).map { index in
      let period = powf(Float(base), Float(2 * index) / Float(dimension))
      let ramp = min(max((Float(index) - Float(low)) / Float(high - low), 0), 1)
      let kept = 1 - ramp
      return 1 / (Float(factor) * period) * (1 - kept) + 1 / period * kept
    }
  }
}
