import Decoding
import Foundation
import Generation
import LanguageModels
import ModelFolders
import PreciseJSON
import Tensors
import TestKit
import Testing

@Suite("Sampling")
struct SamplingTests {
  private struct Case {
    var settings: SamplingSettings
    var logits: [Float]
    var history: [Int32]
    var probabilities: [Float]
  }

  /// Settings with what the filters of transformers leave; see `scripts/reference/greedy.py`.
  private static func cases() throws -> [Case] {
    func floats(_ json: JSON?) -> [Float] { json?.array?.compactMap(\.double).map { Float($0) } ?? [] }
    return try readJSON(fixture("Generation/sampling.json")).array?.map { row in
      func float(_ key: String) -> Float? { row[key]?.double.map { Float($0) } }
      return Case(
        settings: SamplingSettings(
          temperature: float("temperature") ?? 0, topK: row["topK"]?.int, topP: float("topP"), minP: float("minP"),
          repetitionPenalty: float("repetitionPenalty") ?? 1, seed: 5),
        logits: floats(row["logits"]), history: floats(row["history"]).map { Int32($0) },
        probabilities: floats(row["probabilities"]))
    } ?? []
  }

  @Test("the filters leave transformers' distribution")
  func distributions() throws {
    let cases = try Self.cases()
    #expect(cases.count == 8)
    for test in cases {
      let found = test.logits.withUnsafeBufferPointer {
        TokenSampler(test.settings).distribution($0, history: test.history)
      }
      var probabilities = [Float](repeating: 0, count: test.logits.count)
      for candidate in found { probabilities[Int(candidate.id)] = candidate.probability }
      #expect(largestDifference(probabilities, test.probabilities) < 1e-6)
      #expect(found.count == test.probabilities.count { $0 > 0 })
      #expect(found.map(\.probability) == found.map(\.probability).sorted(by: >))
    }
  }

  @Test("choices follow the distribution (chi-squared)")
  func choices() throws {
    for test in try Self.cases() {
      var sampler = TokenSampler(test.settings)
      var counts = [Int](repeating: 0, count: test.logits.count)
      let draws = 20_000
      for _ in 0..<draws {
        counts[Int(test.logits.withUnsafeBufferPointer { sampler.choose($0, history: test.history) })] += 1
      }
      var statistic = 0.0
      var cells = 0.0
      for (count, probability) in zip(counts, test.probabilities) {
        let expected = Double(probability) * Double(draws)
        if expected == 0 { #expect(count == 0) }
        if expected >= 5 {
          statistic += (Double(count) - expected) * (Double(count) - expected) / expected
          cells += 1
        }
      }
      // The mean of chi-squared is its degrees of freedom, its variance twice that: five deviations are room enough.
      #expect(statistic < cells + 5 * (2 * cells).squareRoot() + 1)
    }
  }

  @Test("the same seed gives the same text, another seed another")
  func seeds() throws {
    let model = try ModelFolder.open(fixture("ModelFolders/single")).languageModel(compute: Compute(threads: 1))
    func text(_ seed: UInt64) throws -> [Int32] {
      var ids: [Int32] = []
      _ = try TokenGenerator(model).generate(
        [1, 84], sampling: SamplingSettings(temperature: 1, topP: 0.95, seed: seed), maximumTokens: 30
      ) {
        ids.append($0)
        return true
      }
      return ids
    }
    #expect(try text(1) == text(1))
    #expect(try text(1) != text(2))
  }

  @Test("greedy takes the first of the greatest, after the penalty")
  func greedy() {
    let logits: [Float] = [1, 3, 3, -2]
    var plain = TokenSampler(.greedy)
    #expect(logits.withUnsafeBufferPointer { plain.choose($0, history: []) } == 1)
    var penalised = TokenSampler(SamplingSettings(repetitionPenalty: 1.5))
    #expect(logits.withUnsafeBufferPointer { penalised.choose($0, history: [1, 1, 99, -3]) } == 2)
  }

  @Test("extreme filters keep the most likely token")
  func extremes() {
    let logits: [Float] = [0, 10, -10]
    for settings in [
      SamplingSettings(temperature: 1, topK: 1), SamplingSettings(temperature: 1, topP: 0),
      SamplingSettings(temperature: 1, minP: 1), SamplingSettings(temperature: 1e-4),
    ] {
      var sampler = TokenSampler(settings)
      for _ in 0..<50 { #expect(logits.withUnsafeBufferPointer { sampler.choose($0, history: []) } == 1) }
    }
  }
}
