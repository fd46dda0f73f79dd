import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

/// A model that turns texts of more than 24 tokens otherwise than shorter ones (LongRoPE): each text goes by its own length.
@Suite("Positions that go by the length of the text")
struct TextLengthTests {
  private func model(boundary: Int = 24) throws -> LanguageModel {
    let fixture = try FamilyFixture("phi3-longrope")
    var object = try #require(fixture.values["config"]?.object)
    var parameters = try #require(object["rope_parameters"]?.object)
    parameters["original_max_position_embeddings"] = JSON(boundary)
    (object["rope_parameters"], object["original_max_position_embeddings"]) = (.object(parameters), JSON(boundary))
    return try LanguageModel(
      ModelConfiguration(huggingFace: .object(object)), weights: FormulaWeights(fixture.values),
      compute: Compute(threads: 2), trains: { _ in true })
  }

  private func ids(_ count: Int, step: Int = 7) -> [Int32] { (0..<count).map { Int32($0 * step % 40) } }

  /// Labels behind the first 19 tokens.
  private func sequence(_ ids: [Int32]) -> LabelledSequence {
    LabelledSequence(ids: ids, lossMask: ids.indices.map { $0 > 18 })
  }

  @Test func shortAndLongTextsThatBeginAlikeAreThoseThatStandAlone() throws {
    let model = try model()
    // Of 24 tokens the last one is read by nothing, and counts.
    let sequences = [ids(24), ids(25), ids(18) + ids(20, step: 3), ids(18) + ids(5, step: 11)].map(sequence)
    let alone = try lossAndGradients(model, sequences.map { [$0] })
    let gradients = try model.trainableParameters.map { try #require($0.gradient).copy() }
    let together = try lossAndGradients(model, [sequences])
    #expect(relativeError(together, alone) < 1e-6)
    for (parameter, gradient) in zip(model.trainableParameters, gradients) {
      let found = try #require(parameter.gradient)
      #expect(largestDifference(found.values, gradient.values) < 1e-5, "\(parameter.name)")
    }
    let other = try lossAndGradients(self.model(boundary: 25), sequences.map { [$0] })
    #expect(relativeError(other, alone) > 1e-5)
  }

  /// A text that grows beyond the boundary, in pieces and by single tokens, and one that is cut back.
  @Test(arguments: [[20, 1, 1, 1, 1, 1, 1], [24, 1], [23, 2, 5], [30, 1]])
  func aCacheIsReadAgainWhereTheTextBecomesLong(pieces: [Int]) throws {
    let model = try model()
    let text = ids(60)
    func whole(_ count: Int) throws -> [Float] {
      try model.logits(
        ids: Array(text.prefix(count)), layout: SequenceLayout(lengths: [count]), rows: [Int32(count - 1)]
      ).values
    }
    let cache = model.keyValueCache(capacity: 60)
    for piece in pieces {
      let end = cache.count + piece
      let logits = try model.nextLogits(Array(text[cache.count..<end]), cache: cache)
      #expect(try largestDifference(logits.values, whole(end)) < 2e-5, "\(end)")
    }
    for kept in [27, 9] where kept < cache.count {
      cache.truncate(to: kept)
      let logits = try model.nextLogits([text[kept]], cache: cache)
      #expect(try largestDifference(logits.values, whole(kept + 1)) < 2e-5, "back to \(kept)")
    }
    cache.truncate(to: 0)
    _ = try model.nextLogits(Array(text.prefix(20)), cache: cache, textLength: 40)
    let logits = try model.nextLogits(Array(text[20..<40]), cache: cache, textLength: 40)
    #expect(try largestDifference(logits.values, whole(40)) < 2e-5, "a prompt in two parts")
  }
}
