import LanguageModels
import Tensors
import TestKit
import Testing

/// Numbers that `modeling_rope_utils.py` of transformers 5.6.2 gives for heads of 16 elements, a base of 10,000 and a
/// model of 128 positions.
@Suite("Rotary scalings")
struct RotaryTests {
  static let short = (0..<8).map { 1 + Float($0) / 10 }
  static let long = (1...8).map { Float($0) }

  private func isNear(_ scaling: RotaryScaling, positions: Int = 128, _ expected: [Float]) -> Bool {
    let found = scaling.frequencies(dimension: 16, base: 10_000, textLength: positions)
    return zip(found, expected).allSatisfy { abs($0 - $1) <= 2e-6 * abs($1) }
  }

  @Test func frequenciesAgreeWithTransformers() {
    #expect(
      isNear(
        .linear(factor: 4),
        [0.25, 0.079056941, 0.0250000004, 0.00790569466, 0.00249999994, 0.000790569466, 0.000250000012, 7.90569466e-05])
    )
    let yarn = Yarn(factor: 4, originalMaximumPosition: 32)
    #expect(
      isNear(
        .yarn(yarn),
        [1, 0.197642356, 0.0250000004, 0.00790569466, 0.00249999994, 0.000790569466, 0.000250000012, 7.90569466e-05]))
    #expect(abs(yarn.attentionFactor - 1.138629436111989) < 1e-12)
    var whole = yarn
    whole.truncates = false
    #expect(abs(whole.frequencies(dimension: 16, base: 10_000)[1] - 0.14849025) < 1e-6)
    var scaled = Yarn(factor: 4, originalMaximumPosition: 32, betaFast: 8, betaSlow: 2)
    (scaled.mscale, scaled.mscaleAllDimensions) = (0.7, 1.5)
    #expect(isNear(.yarn(scaled), [1, 0.079056941, 0.0250000004, 0.00790569466]))
    #expect(abs(scaled.attentionFactor - 0.9081881819561598) < 1e-12)
    #expect(
      isNear(
        .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 32),
        [1, 0.0958399773, 0.0125000002, 0.00395284733, 0.00124999997, 0.000395284733, 0.000125000006, 3.95284733e-05]))
  }

  @Test func longTextsHaveFactorsOfTheirOwn() {
    let longRope = LongRope(
      shortFactors: Self.short, longFactors: Self.long, originalMaximumPosition: 32, maximumPosition: 128)
    #expect(
      isNear(
        .longRope(longRope), positions: 32,
        [1, 0.287479758, 0.0833333358, 0.0243252143, 0.00714285718, 0.00210818532, 0.000624999986, 0.000186016332]))
    #expect(
      isNear(
        .longRope(longRope), positions: 33,
        [1, 0.158113882, 0.0333333351, 0.00790569466, 0.00200000009, 0.00052704633, 0.000142857141, 3.95284733e-05]))
    #expect(abs(longRope.effectiveAttentionFactor - 1.1832159566199232) < 1e-12)
    var given = longRope
    given.factor = 2
    #expect(abs(given.effectiveAttentionFactor - 1.0954451150103321) < 1e-12)
  }

  @Test func rotaryTablesAgreeWithTransformers() {
    let table = RotaryConfiguration(
      base: 500_000,
      scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaximumPosition: 8192),
      dimension: 64
    ).table(positions: 1001)
    let row = table.cosines.pointer + 1000 * 32
    let sines = table.sines.pointer + 1000 * 32
    let every = stride(from: 0, to: 32, by: 4)
    #expect(
      largestDifference(
        every.map { row[$0] },
        [
          0.5623790621757507, 0.6554753184318542, 0.9956709742546082, 0.5323012471199036, 0.8654010891914368,
          0.999412477016449, 0.9999778866767883, 0.9999991655349731,
        ])
        < 2e-5)
    #expect(
      largestDifference(
        every.map { sines[$0] },
        [
          0.8268795609474182, -0.7552165985107422, -0.09294797480106354, 0.8465549945831299, 0.5010797381401062,
          0.03427430987358093, 0.006647820584475994, 0.0012891727965325117,
        ])
        < 2e-5)
  }
}
