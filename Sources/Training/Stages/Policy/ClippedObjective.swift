import Glibc

/// Proximal policy optimisation (arXiv:1707.06347) of a policy and a critic on one body: of a token
/// max(−ρA, −clip(ρ, 1 ± ε)A) + vf · ½ · max((v − R)², (clip(v, V ± εᵥ) − R)²).
package struct ClippedObjective: Sendable, Hashable {
  package var epsilon: Double
  package var valueEpsilon: Double
  /// vf.
  package var valueWeight: Double

  package init(epsilon: Double = 0.2, valueEpsilon: Double = 0.2, valueWeight: Double = 0.1) {
    self.epsilon = epsilon
    self.valueEpsilon = valueEpsilon
    self.valueWeight = valueWeight
  }

  package struct Token: Sendable, Hashable {
    package var policyLoss: Double
    /// Without its weight.
    package var valueLoss: Double
    /// Of the whole loss by log π and by the value.
    package var policyDerivative: Double
    package var valueDerivative: Double
    package var ratio: Double
    package var isClipped: Bool
    package var isValueClipped: Bool
  }

  /// - Parameters:
  ///   - policy: log π.
  ///   - value: What the critic expects now.
  ///   - old: log π when the token was sampled.
  ///   - oldValue: What the critic expected then.
  ///   - return: R.
  package func callAsFunction(
    policy: Double, value: Double, old: Double, oldValue: Double, advantage: Double, return target: Double
  ) -> Token {
    let ratio = exp(policy - old)
    let (free, clipped) = (-advantage * ratio, -advantage * min(max(ratio, 1 - epsilon), 1 + epsilon))
    let bounded = min(max(value, oldValue - valueEpsilon), oldValue + valueEpsilon)
    let (square, boundedSquare) = ((value - target) * (value - target), (bounded - target) * (bounded - target))
    // Where the clip holds, the loss does not move with the value.
    let movesValue = square >= boundedSquare || bounded == value
    return Token(
      policyLoss: max(free, clipped), valueLoss: max(square, boundedSquare) / 2,
      policyDerivative: free >= clipped ? free : 0,
      valueDerivative: movesValue ? valueWeight * (value - target) : 0, ratio: ratio, isClipped: clipped > free,
      isValueClipped: boundedSquare > square)
  }
}
