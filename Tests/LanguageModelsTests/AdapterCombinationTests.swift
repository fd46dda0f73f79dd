import LanguageModels
import Tensors
import TestKit
import Testing

/// Several adapters made one, against the definitions written out element by element.
@Suite("Adapters put together")
struct AdapterCombinationTests {
  private static let (outputs, inputs, rank) = (6, 5, 2)

  private static func part(_ name: String, weight: Double, scale: Float) -> AdapterCombination.Part {
    AdapterCombination.Part(
      weight: weight, a: patternedTensor("\(name).a", shape: [rank, inputs], amplitude: 1),
      b: patternedTensor("\(name).b", shape: [outputs, rank], amplitude: 1), scale: scale)
  }

  private let parts = [Self.part("one", weight: 0.7, scale: 2), Self.part("two", weight: -0.4, scale: 0.5)]

  private func product(_ a: Tensor, _ b: Tensor, times scale: Float = 1) -> [Double] {
    let (a, b, rank) = (a.values, b.values, a.rows)
    return (0..<Self.outputs * Self.inputs).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: Self.inputs)
      return Double(scale)
        * (0..<rank).reduce(0) { $0 + Double(b[row * rank + $1]) * Double(a[$1 * Self.inputs + column]) }
    }
  }

  /// The combination with all the rank that its matrix can have, so that nothing is lost.
  private func combined(_ kind: AdapterCombination.Kind, density: Double) throws -> [Double] {
    let (a, b) = AdapterCombination(kind, density: density, seed: 3).combined(
      parts, rank: Self.inputs, name: "map", compute: try Compute(threads: 2, computeClass: .f32))
    return product(a, b)
  }

  private var updates: [[Double]] { parts.map { product($0.a, $0.b, times: $0.scale) } }

  private func largest(_ update: [Double], _ count: Int) -> [Double] {
    let least = update.map(abs).sorted(by: >)[count - 1]
    return update.map { abs($0) >= least ? $0 : 0 }
  }

  private func expectEqual(_ found: [Double], _ wanted: [Double]) {
    for (own, other) in zip(found, wanted) { #expect(abs(own - other) < 1e-5, "\(own), not \(other)") }
  }

  @Test func linearIsTheSum() throws {
    expectEqual(try combined(.linear, density: 1), zip(updates[0], updates[1]).map { 0.7 * $0 - 0.4 * $1 })
  }

  @Test func magnitudeKeepsTheLargest() throws {
    let (one, two) = (largest(updates[0], 15), largest(updates[1], 15))
    expectEqual(try combined(.magnitude, density: 0.5), zip(one, two).map { 0.7 * $0 - 0.4 * $1 })
  }

  @Test func tiesTakesTheMeanOfTheSignThatWins() throws {
    let (one, two) = (largest(updates[0], 15), largest(updates[1], 15))
    let wanted = zip(one, two).map { one, two -> Double in
      let sign = one + two >= 0 ? 1.0 : -1
      let counted = [(one, 0.7), (two, -0.4)].filter { $0.0 * sign > 0 }
      return counted.isEmpty ? 0 : counted.reduce(0) { $0 + $1.0 * $1.1 } / Double(counted.count)
    }
    expectEqual(try combined(.ties, density: 0.5), wanted)
  }

  @Test func whatDAREKeepsGrowsByWhatItLost() throws {
    let found = try combined(.dare, density: 0.5)
    var kept = 0
    for (index, value) in found.enumerated() {
      // Each of the two stays twice as large, or goes.
      let sums = [0, 1.4 * updates[0][index]].flatMap { one in [0, -0.8 * updates[1][index]].map { one + $0 } }
      #expect(sums.contains { abs($0 - value) < 1e-5 }, "\(value) is none of \(sums)")
      if abs(value) > 1e-5 { kept += 1 }
    }
    #expect((10...29).contains(kept))
  }

  @Test func aRankThatHoldsTheSumLosesNothing() throws {
    // The sum of two of rank 2 has rank 4 and stands in rank 4 as it is.
    let compute = try Compute(threads: 1, computeClass: .f32)
    let (a, b) = AdapterCombination(.magnitude, density: 1, rank: 4).combined(
      parts, rank: 4, name: "map", compute: compute)
    expectEqual(product(a, b), zip(updates[0], updates[1]).map { 0.7 * $0 - 0.4 * $1 })
  }
}
