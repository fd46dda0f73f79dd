import LanguageModels
import Tensors
import TestKit
import Testing

/// Sequences that begin alike, computed with their common tokens once.
@Suite("Shared prefixes")
struct SharedPrefixTests {
  /// `common` tokens, then tokens of its own, of which the first `prompt` are no labels.
  private func sequence(_ common: [Int32], own: Range<Int32>, prompt: Int) -> LabelledSequence {
    let ids = common + own.map { $0 % 32 }
    return LabelledSequence(ids: ids, lossMask: ids.indices.map { $0 >= common.count + prompt })
  }

  private var system: [Int32] { (0..<20).map { $0 * 7 % 32 } }
  private var question: [Int32] { system + (0..<17).map { $0 * 5 % 32 } }

  /// A system text shared by all, a question shared by two of them, one that shares nothing, one that is another's start.
  private var sequences: [LabelledSequence] {
    [
      sequence(question, own: 3..<40, prompt: 0), sequence(system, own: 9..<14, prompt: 2),
      sequence([], own: 1..<9, prompt: 3), sequence(question, own: 4..<12, prompt: 0),
      sequence(question, own: 3..<30, prompt: 0),
    ]
  }

  @Test func eachSharedTokenStandsThereOnce() {
    let shared = PackedBatch(sequences)
    let alone = PackedBatch(sequences, sharesPrefixes: false)
    // The last token in front of the first label is nobody's but its sequence's.
    #expect(shared.layout.segments.map(\.count) == [20, 16, 37, 8, 27, 4, 7])
    #expect(shared.layout.segments.map(\.ancestors) == [[], [0], [0, 1], [0, 1], [0, 1], [0], []])
    #expect(shared.layout.segments.map(\.position) == [0, 20, 36, 36, 36, 20, 0])
    #expect(shared.layout.longest == alone.layout.longest)
    #expect(shared.tokenCount == alone.tokenCount)
    #expect(shared.targets == alone.targets)
    #expect(shared.labelRows.map { shared.ids[Int($0)] } == alone.labelRows.map { alone.ids[Int($0)] })
    #expect(
      shared.labelRows.map { shared.layout.positions[Int($0)] }
        == alone.labelRows.map { alone.layout.positions[Int($0)] })
  }

  @Test func fewCommonTokensAndLabelsAreNotShared() {
    let short = Array(system.prefix(PrefixTree.shortest - 1))
    let few = PackedBatch([sequence(short, own: 1..<5, prompt: 1), sequence(short, own: 7..<9, prompt: 1)])
    #expect(few.layout.segments.map(\.ancestors) == [[], []])
    let ids = system
    let text = LabelledSequence(ids: ids, lossMask: ids.map { _ in true })
    #expect(PackedBatch([text, text]).layout.segments.map(\.count) == [19, 19])
  }

  @Test(arguments: ["gqa", "tied"])
  func lossAndGradientsAreThoseOfSequencesThatStandAlone(name: String) throws {
    let tiny = try TinyLlama(name)
    let model = try tiny.model(trains: { _ in true })
    #expect(model.configuration.vocabularySize >= 32)
    let alone = try lossAndGradients(model, sequences.map { [$0] })
    let gradients = try model.trainableParameters.map { try #require($0.gradient).copy() }
    let shared = try lossAndGradients(model, [sequences])
    #expect(relativeError(shared, alone) < 1e-6)
    for (parameter, expected) in zip(model.trainableParameters, gradients) {
      let found = try #require(parameter.gradient)
      #expect(relativeDistance(found.values, expected.values) < 1e-5, "\(parameter.name)")
    }
  }
}
