import LanguageModels
import Tensors
import TestKit
import Testing

/// A small model of several blocks, so that rows fill more than one tile and some blocks lie between others.
@Suite("Recomputation changes no bit")
struct RecomputationTests {
  static let configuration = DecoderShape(
    hiddenSize: 64, layerCount: 4, queryHeads: 4, keyValueHeads: 2, headDimension: 16,
    feedForwardSize: 160, vocabularySize: 300, maximumPositions: 512, normEpsilon: 1e-5,
    rotary: RotaryConfiguration(base: 10_000, dimension: 16),
    tiesHead: true
  ).configuration(Llama.self)

  enum Trained: CaseIterable {
    case adapter
    case adapterWithDropout
    case weights
  }

  struct Case: CustomTestStringConvertible {
    var computeClass: ComputeClass
    var trained: Trained
    var sharesPrefixes: Bool

    var testDescription: String { "\(computeClass), \(trained)\(sharesPrefixes ? ", shared prefixes" : "")" }

    static var all: [Case] {
      let classes = (try? ComputeClass.available(.chosenByEnvironment())) ?? [.f32]
      return classes.flatMap { computeClass in
        Trained.allCases.flatMap { trained in
          [false, true].map { Case(computeClass: computeClass, trained: trained, sharesPrefixes: $0) }
        }
      }
    }
  }

  /// Sequences of which some begin alike.
  private var sequences: [LabelledSequence] {
    func ids(_ count: Int, _ factor: Int) -> [Int32] { (0..<count).map { Int32(($0 * factor + 3) % 300) } }
    return [(20, 7, 90), (20, 11, 41), (0, 13, 77), (20, 17, 33)].map { common, factor, own in
      LabelledSequence(
        ids: ids(common, 5) + ids(own, factor), lossMask: (0..<common + own).map { $0 > common + own / 3 })
    }
  }

  private func model(_ test: Case) throws -> LanguageModel {
    let model = try LanguageModel(
      Self.configuration, weights: PatternedWeights(),
      compute: Compute(threads: 2, computeClass: test.computeClass), trains: { _ in test.trained == .weights })
    if test.trained != .weights {
      let dropout: Float = test.trained == .adapterWithDropout ? 0.2 : 0
      try model.attach(AdapterConfiguration(rank: 4, dropout: dropout), from: PatternedWeights())
    }
    return model
  }

  private func bits(_ test: Case, _ recomputation: Recomputation) throws -> [String: [UInt32]] {
    let model = try model(test)
    model.recomputation = recomputation
    let batch = PackedBatch(sequences, sharesPrefixes: test.sharesPrefixes)
    let tape = Tape(compute: model.compute, records: true, step: RandomKey(seed: 5))
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
      weights: [Float](repeating: 1 / Float(batch.labelCount), count: batch.labelCount))
    tape.backward(from: scored.loss)
    var bits = ["loss": [scored.loss.value.pointer[0].bitPattern]]
    for parameter in model.trainableParameters {
      bits[parameter.name] = try #require(parameter.gradient, "\(parameter.name)").values.map(\.bitPattern)
    }
    return bits
  }

  @Test(arguments: Case.all)
  func lossAndGradients(_ test: Case) throws {
    let expected = try bits(test, .none)
    #expect(expected.values.allSatisfy { $0.contains { $0 != 0 } })
    for recomputation in [Recomputation.attention, .block] {
      let found = try bits(test, recomputation)
      for (name, values) in expected { #expect(found[name] == values, "\(recomputation): \(name)") }
    }
  }
}
