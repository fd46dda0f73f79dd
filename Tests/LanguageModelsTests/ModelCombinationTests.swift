import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

/// What several tensors become, from `scripts/reference/merged_models.py`.
@Suite("Models merged with weights")
struct ModelCombinationTests {
  private let file: JSON
  private let shape: [Int]
  private let base: Tensor
  private let models: [Tensor]

  init() throws {
    file = try readJSON(fixture("Merging/models.json"))
    let shape = file["shape"]?.array?.compactMap(\.int) ?? []
    let base = patternedTensor("base", shape: shape, amplitude: 1)
    models = (0..<3).map { index in
      let difference = patternedTensor("difference \(index)", shape: shape, amplitude: 0.5)
      return Tensor(shape: shape, values: zip(base.values, difference.values).map { $0 + $1 })
    }
    self.base = base
    self.shape = shape
  }

  private func combined(
    _ combination: ModelCombination, _ models: [Tensor], name: String = "w", threads: Int = 1
  ) throws -> Tensor {
    try combination.combined(
      name, count: models.count, tensors: { models[$0] }, base: { base }, pool: ThreadPool(threads: threads))
  }

  @Test func valuesAreThoseOfTheDefinitions() throws {
    let cases = try #require(file["cases"]?.array)
    for one in cases {
      let kind = try #require(one["method"]?.string.flatMap(ModelCombination.Kind.init))
      var models = models
      if kind == .slerp {
        models = Array(models.prefix(2))
        if one["second"] != nil { models[1] = Tensor(shape: shape, values: models[0].values.map { $0 * 1.5 }) }
      }
      let combination = ModelCombination(
        kind, weights: one["weights"]?.array?.compactMap(\.double) ?? [1, 1], isNormalized: one["normalize"]?.bool,
        density: one["density"]?.double ?? 1, way: one["t"]?.double ?? 0.5)
      let expected = try #require(one["values"]?.array).compactMap { $0.double.map { Float($0) } }
      for threads in [1, 3] {
        let found = try combined(combination, models, threads: threads).values
        #expect(largestDifference(found, expected) < 3e-6, "\(kind) \(one["normalize"]?.text() ?? "")")
      }
    }
    #expect(cases.count == 10)
  }

  @Test func whatIsLeftOutAtRandomIsMadeUpFor() throws {
    let shape = [80, 90]
    let one = patternedTensor("one", shape: shape, amplitude: 1)
    let nothing = Tensor(shape: shape)
    func drawn(_ seed: UInt64, _ name: String) throws -> [Float] {
      let combination = ModelCombination(.dareLinear, weights: [1], density: 0.25, seed: seed)
      return try combination.combined(
        name, count: 1, tensors: { _ in one }, base: { nothing }, pool: ThreadPool(threads: 1)
      ).values
    }
    let found = try drawn(1, "w")
    for (value, own) in zip(found, one.values) { #expect(value == 0 || abs(value - 4 * own) < 1e-5) }
    let kept = Double(found.count { $0 != 0 }) / Double(found.count)
    #expect(abs(kept - 0.25) < 0.03)
    #expect(try drawn(1, "w") == found)
    #expect(try drawn(2, "w") != found)
    #expect(try drawn(1, "v") != found)
  }

  @Test func asManyStayAsAreWantedWhereManyAreEqual() throws {
    let shape = [10, 10]
    let equal = Tensor(shape: shape, values: (0..<100).map { $0 % 2 == 0 ? 0.5 : -0.5 })
    let nothing = Tensor(shape: shape)
    for density in [0.01, 0.37, 0.99] {
      let combination = ModelCombination(.ties, weights: [1], isNormalized: false, density: density)
      let found = try combination.combined(
        "w", count: 1, tensors: { _ in equal }, base: { nothing }, pool: ThreadPool(threads: 1))
      #expect(found.values.count { $0 != 0 } == Int(density * 100))
    }
  }

  @Test func tensorsOfNothingAndWeightsThatCancel() throws {
    let zeros = Tensor(shape: shape)
    let arc = ModelCombination(.slerp, weights: [1, 1], way: 0.25)
    #expect(try largestDifference(combined(arc, [zeros, models[0]]).values.map { $0 * 4 }, models[0].values) < 2)
    #expect(try combined(arc, [zeros, zeros]).values.allSatisfy { $0 == 0 })
    let cancelled = ModelCombination(.linear, weights: [1, -1])
    #expect(try combined(cancelled, Array(models.prefix(2))).values.allSatisfy(\.isFinite))
  }
}
