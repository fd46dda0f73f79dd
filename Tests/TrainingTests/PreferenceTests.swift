import Foundation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// The pairs of `Tests/Fixtures/Training/pairs.json`.
func fixturePairs() throws -> [TokenRow] {
  guard let list = try readJSON(fixture("Training/pairs.json")).array else { throw FixtureError(text: "no list") }
  return try list.map { pair in
    TokenRow(
      try [("chosen", TokenSequence.Role.chosen), ("rejected", .rejected)].flatMap { key, role in
        try labelledSequences(.array([pair[key] ?? .null])).map {
          TokenSequence(role: role, ids: $0.ids, lossMask: $0.lossMask)
        }
      })
  }
}

private func settings(_ reference: JSON, tokenBudget: Int = 64, batchSize: Int = 4) throws -> TrainingSettings {
  try settings(of: reference, batchSize: batchSize, tokenBudget: tokenBudget)
}

/// The reference model of a name in the fixture.
private func referenceModel(of name: String) throws -> LanguageModel {
  name == "base" ? try TinyLlama("gqa").model() : try adaptedModel(name)
}

private let measures = [
  "rewards_chosen", "rewards_rejected", "rewards_margin", "rewards_accuracy", "logps_chosen", "logps_rejected",
]

@Suite("Direct preference optimisation")
struct PreferenceTests {
  @Test("Log-probabilities and ten steps follow PyTorch and PEFT", arguments: ["base", "rslora"])
  func tenSteps(name: String) throws {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let expected = try #require(fixtures["references"]?[name])
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: referenceModel(of: name), tokenBudget: 100)
    for (score, numbers) in zip(scores, try #require(expected["scores"]?.array)) {
      #expect(relativeError(score.chosen, try #require(numbers.array?.first?.double)) < 1e-5)
      #expect(relativeError(score.rejected, try #require(numbers.array?.last?.double)) < 1e-5)
    }

    let loop = try TrainingLoop(
      model: adaptedModel("adapter"), stage: PairStage(dpoObjective(of: fixtures), reference: scores),
      rows: TrainingRows(pairs), settings: settings(fixtures))
    let metrics = try loop.run().metrics
    try expectEqualSteps(metrics, expected, within: 1e-4)
    let steps = try #require(expected["steps"]?.array)
    #expect(relativeError(metrics[0]["loss"]?.double ?? 0, steps[0]["loss"]?.double ?? 1) < 1e-5)
    for (index, (found, step)) in zip(metrics, steps).enumerated() {
      for key in measures {
        let (value, wanted) = (try #require(found[key]?.double), try #require(step[key]?.double))
        #expect(abs(value - wanted) < 1e-4 * max(1, abs(wanted)), "step \(index + 1), \(key): \(value), not \(wanted)")
      }
    }
  }

  @Test("A reference that follows the policy takes the steps that it takes in PyTorch")
  func aMovingReference() throws {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let expected = try #require(fixtures["moving"])
    let moves = ReferenceMoves(
      every: try #require(expected["every"]?.int), share: try #require(expected["share"]?.double))
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: adaptedModel("adapter"))
    let metrics = try TrainingLoop(
      model: adaptedModel("adapter"), stage: PairStage(dpoObjective(of: fixtures), reference: scores, moves: moves),
      rows: TrainingRows(pairs), settings: settings(fixtures)
    ).run().metrics
    try expectEqualSteps(metrics, expected, within: 1e-4)
    // Where the reference is the policy pairs are ties, which count half here and nothing there.
    for (found, step) in zip(metrics, try #require(expected["steps"]?.array)) {
      for key in measures where key != "rewards_accuracy" {
        let (value, wanted) = (try #require(found[key]?.double), try #require(step[key]?.double))
        #expect(abs(value - wanted) < 1e-4 * max(1, abs(wanted)), "\(key): \(value), not \(wanted)")
      }
    }
  }

  @Test func aReferenceThatIsAlwaysThePolicyLearnsFromLogTwo() throws {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: adaptedModel("adapter"))
    let metrics = try TrainingLoop(
      model: adaptedModel("adapter"),
      stage: PairStage(sigmoidObjective(), reference: scores, moves: ReferenceMoves(every: 1, share: 1)),
      rows: TrainingRows(pairs), settings: settings(fixtures)
    ).run().metrics
    for record in metrics { #expect(abs(try #require(record["loss"]?.double) - log(2)) < 1e-6) }
  }

  @Test func howPairsAreLaidOutChangesRoundingOnly() throws {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: referenceModel(of: "base"))
    func run(tokenBudget: Int) throws -> [JSON] {
      try TrainingLoop(
        model: adaptedModel("adapter"), stage: PairStage(dpoObjective(of: fixtures), reference: scores),
        rows: TrainingRows(pairs), settings: settings(fixtures, tokenBudget: tokenBudget)
      ).run().metrics
    }
    let (alone, together) = (try run(tokenBudget: 1), try run(tokenBudget: 10_000))
    for (a, b) in zip(alone, together) {
      for key in ["loss", "grad_norm"] {
        #expect(relativeError(try #require(a[key]?.double), try #require(b[key]?.double)) < 1e-4)
      }
    }
  }

  @Test func aPolicyThatIsItsReferenceStartsAtLogTwo() throws {
    let pairs = try fixturePairs()
    let model = try adaptedModel("adapter")
    let stage = PairStage(sigmoidObjective(), reference: try pairLogProbabilities(of: pairs, model: model))
    let result = try StageEvaluation(stage, model: model).run(TrainingRows(pairs))
    #expect(abs(result.loss - log(2)) < 1e-6)
    #expect(result.rows == pairs.count)
    #expect(result.labelTokens == pairs.reduce(0) { $0 + $1.labelCount })
    let values = Dictionary(uniqueKeysWithValues: result.measures.means.map { ($0.name, $0.value) })
    #expect(abs(try #require(values["rewards_margin"])) < 1e-5)
  }

  @Test func dropoutIsOff() throws {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: referenceModel(of: "base"))
    func run(dropout: Float) throws -> [String: [Float]] {
      let model = try adaptedModel("adapter", dropout: dropout)
      let loop = try TrainingLoop(
        model: model, stage: PairStage(dpoObjective(of: fixtures), reference: scores),
        rows: TrainingRows(pairs),
        settings: settings(fixtures))
      _ = try loop.run()
      return trainedValues(model)
    }
    #expect(try run(dropout: 0.5) == run(dropout: 0))
  }

  @Test func aStoppedTrainingEndsInTheSameBits() throws {
    let fixtures = try readJSON(fixture("Training/dpo.json"))
    let pairs = try fixturePairs()
    let scores = try pairLogProbabilities(of: pairs, model: referenceModel(of: "base"))
    func loop(_ folder: TemporaryFolder?, beta: Double = 0.3) throws -> TrainingLoop<PairStage> {
      var settings = try settings(fixtures)
      settings.shuffle = true
      return try TrainingLoop(
        model: adaptedModel("adapter"), stage: PairStage(sigmoidObjective(beta: beta), reference: scores),
        rows: TrainingRows(pairs), settings: settings, checkpoints: folder.map { CheckpointFolder(path: $0.path) })
    }
    let whole = try loop(nil)
    let expected = try whole.run()
    let folder = try TemporaryFolder()
    let first = try loop(folder)
    var steps = 0
    first.shouldStop = {
      steps += 1
      return steps == 4
    }
    #expect(throws: TrainingInterrupted.self) { _ = try first.run() }
    let other = try loop(folder, beta: 0.2)
    var started: [Int] = []
    other.onEvent = { if case .started(let step, _) = $0 { started.append(step) } }
    _ = try other.run()
    let second = try loop(folder)
    second.onEvent = other.onEvent
    let result = try second.run()
    #expect(started == [0, 4], "a checkpoint of another beta is not resumed")
    #expect(trainedValues(second.model) == trainedValues(whole.model))
    #expect(timeless(result.metrics) == timeless(expected.metrics))
  }

  @Test func rowsThatAreNoPairsAreNamed() throws {
    let pairs = try fixturePairs()
    let model = try TinyLlama("gqa").model()
    let single = TokenRow([TokenSequence(ids: [1, 2, 3], lossMask: [false, true, true])])
    #expect(throws: TrainingError.notAPair(row: 1)) {
      _ = try pairLogProbabilities(of: [pairs[0], single], model: model)
    }
    var empty = pairs[0]
    empty.sequences[1].lossMask = empty.sequences[1].lossMask.map { _ in false }
    #expect(throws: TrainingError.notAPair(row: 0)) { _ = try pairLogProbabilities(of: [empty], model: model) }
  }
}
