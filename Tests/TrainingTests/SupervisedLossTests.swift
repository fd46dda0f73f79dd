import Datasets
import Foundation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Labels that count by what the model says of them: scripts/reference/stages, sft.py.
@Suite("Losses of supervised fine-tuning")
struct SupervisedLossTests {
  private static func settings(_ json: JSON) -> SupervisedStage.Settings {
    var settings = SupervisedStage.Settings()
    switch json["loss"]?.string {
    case "dft", "asft": settings.emphasis = .probability
    case "eaft":
      settings.emphasis = .entropy(exponent: json["eaft_alpha"]?.double ?? 1, count: json["eaft_k"]?.int ?? 20)
    default: break
    }
    settings.smoothing = json["label_smoothing"]?.double ?? 0
    return settings
  }

  /// Logits are hidden states to a head that is the identity; numbers of 32 bits.
  @Test(
    "Values and derivatives",
    arguments: StageFixture.values("sft").filter { $0.settings["eaft_normalizer"] == nil })
  func closedForm(value: StageFixture.Value) throws {
    func matrix(_ name: String) throws -> Tensor? {
      guard let rows = (value.json["inputs"] ?? .null)[name]?.array, rows[0].array != nil else { return nil }
      let numbers = rows.flatMap { ($0.array ?? []).compactMap(\.double) }
      return Tensor(shape: [rows.count, numbers.count / rows.count], values: numbers.map { Float($0) })
    }
    let logits = try #require(try matrix("logits"))
    let labels = try #require(value.input("labels")).map { Int32($0) }
    let weights = value.input("weights") ?? labels.map { _ in 1 }
    let settings = Self.settings(value.settings)
    for threads in [1, 3] {
      let compute = try Compute(threads: threads, computeClass: .f32)
      let identity = Tensor(shape: [logits.columns, logits.columns])
      for index in 0..<logits.columns { identity.pointer[index * logits.columns + index] = 1 }
      let head = OutputHead(try MatrixWeight(frozen: identity, compute: compute))
      let x = Parameter(name: "x", value: logits, isTrainable: true)
      let tape = Tape(compute: compute, records: true)
      let scored = try tape.crossEntropy(
        try tape.embed((0..<Int32(labels.count)).map { $0 }, table: x), head: head, targets: labels,
        weights: weights.map { Float($0 / weights.reduce(0, +)) }, emphasis: settings.emphasis,
        smoothing: Float(settings.smoothing),
        divergence: try matrix("reference").map {
          LabelDivergence(
            hidden: $0, head: head, direction: value.settings["asft_kl"]?.string == "reverse" ? .reverse : .forward,
            weight: Float(value.settings["asft_lambda"]?.double ?? 0))
        })
      #expect(abs(Double(scored.loss.value.values[0]) - (try #require(value.json["loss"]?.double))) < 1e-6)
      tape.backward(from: scored.loss)
      let wanted = (value.json["gradients"]?["logits"]?.array ?? []).flatMap { ($0.array ?? []).compactMap(\.double) }
      let found = try #require(x.gradient?.values)
      #expect(wanted.count == found.count)
      for (own, wanted) in zip(found, wanted) { #expect(abs(Double(own) - wanted) < 1e-6) }
    }
  }

  @Test(
    "Ten steps", arguments: StageFixture.runs("sft").filter { $0.name != "weights" })
  func tenSteps(run: StageFixture.Run) throws {
    try run.expectSameSteps(
      SupervisedStage(Self.settings(run.settings), anchor: Self.anchor(run.settings)), fixtureRows())
  }

  /// The frozen base.
  private static func anchor(_ json: JSON) throws -> SupervisedStage.Anchor? {
    guard json["loss"]?.string == "asft" else { return nil }
    return SupervisedStage.Anchor(
      try TinyLlama("gqa").model(), json["asft_kl"]?.string == "reverse" ? .reverse : .forward,
      weight: json["asft_lambda"]?.double ?? 0)
  }

  /// Where labels have weights a step is divided by their sum.
  @Test func tenStepsWithWeights() throws {
    let run = try #require(StageFixture.runs("sft").first { $0.name == "weights" })
    let weights = try #require(StageFixture("sft").json["weights"]?.array)
    let rows = try zip(fixtureRows(), weights).map { row, weights in
      var row = row
      var own = (weights.array ?? []).compactMap(\.double).makeIterator()
      row.sequences[0].weights = row.sequences[0].lossMask.map { $0 ? Float(own.next() ?? -1) : 1 }
      return row
    }
    var settings = SupervisedStage.Settings()
    settings.isWeighted = true
    try run.expectSameSteps(SupervisedStage(settings), rows)
    // All of them twice is all of them once.
    let twice = try fixtureRows().map { row in
      var row = row
      row.sequences[0].weights = row.sequences[0].ids.map { _ in 2 }
      return row
    }
    let model = try TinyLlama("gqa").model()
    func first(_ rows: [TokenRow]) throws -> Double {
      let stage = SupervisedStage(settings)
      let batches = stage.batches(
        of: StageStep(Array(rows[..<4]), numbers: [0, 1, 2, 3], BatchRules(tokenBudget: 30), model: model))
      return try batches.reduce(0) {
        $0 + (try stage.loss(of: $1, model: model, on: Tape(compute: model.compute, records: false))).value
      }
    }
    #expect(relativeError(try first(twice), try first(fixtureRows())) < 1e-6)
  }

  /// Texts that fill rows, none of whose tokens is left out: scripts/reference/stages, pt.py.
  @Test func tenStepsOfFilledRows() throws {
    let json = try StageFixture("pt").json
    func ids(_ json: JSON) -> [Int32] { (json.array ?? []).compactMap { $0.int.map { Int32($0) } } }
    let texts = try #require(json["texts"]?.array).map(ids)
    let rows = filled(
      texts.map { TokenSequence(ids: $0, lossMask: $0.map { _ in true }) },
      capacity: try #require(json["block"]?.int))
    #expect(rows.map { $0.sequences.map(\.ids) } == json["blocks"]?.array?.map { ($0.array ?? []).map(ids) })
    let run = try #require(StageFixture.runs("pt").first)
    try run.expectSameSteps(SupervisedStage(), rows, leavingOut: ["perplexity"])
  }

  /// What is told of sources adds up to what is told of all.
  @Test func lossesOfSources() throws {
    var telling = SupervisedStage.Settings()
    telling.tellsSources = true
    telling.smoothing = 0.1
    var rows = try fixtureRows()
    let names = ["code", "prose", nil]
    for index in rows.indices { rows[index].sequences[0].source = names[index % 3] }
    // Rows of several sequences, of sources of their own.
    rows = [TokenRow(rows[0].sequences + rows[1].sequences)] + rows[2...]
    let model = try TinyLlama("gqa").model()
    var settings = try TrainingTests.settings(of: readJSON(fixture("Training/adapter.json")))
    settings.length = .steps(6)
    settings.logEvery = 3
    let loop = try TrainingLoop(
      model: adaptedModel("adapter"), stage: SupervisedStage(telling), rows: TrainingRows(rows), settings: settings)
    for record in try loop.run().metrics {
      let told = ["code", "prose", SupervisedStage.noSource].compactMap { name -> (loss: Double, tokens: Double)? in
        guard let loss = record["loss/\(name)"]?.double, let tokens = record["tokens/\(name)"]?.double else {
          return nil
        }
        return (loss, tokens)
      }
      #expect(told.count == 3)
      let tokens = told.reduce(0) { $0 + $1.tokens }
      #expect(tokens == record["label_tokens"]?.double)
      let sum = told.reduce(0) { $0 + $1.loss * $1.tokens }
      #expect(relativeError(sum / tokens, try #require(record["nll"]?.double)) < 1e-12)
    }
    // Of a set, and of one source alone what a set of its rows has.
    let all = try StageEvaluation(SupervisedStage(telling), model: model, tokenBudget: 40).run(TrainingRows(rows))
    let some = rows.flatMap(\.sequences).filter { $0.source == "code" }.map { TokenRow([$0]) }
    let alone = try StageEvaluation(SupervisedStage(), model: model).run(TrainingRows(some))
    #expect(relativeError(try #require(all.measures.named["loss/code"]?.mean), alone.loss) < 1e-6)
    #expect(all.measures.named["tokens/code"]?.mean == Double(alone.labelTokens))
  }

  @Test func aSetIsMeasuredByPlainLogProbabilities() throws {
    let model = try TinyLlama("gqa").model()
    let plain = try StageEvaluation(SupervisedStage(), model: model).run(TrainingRows(fixtureRows()))
    for change: JSON in [["loss": "dft"], ["label_smoothing": 0.1]] {
      let stage = SupervisedStage(Self.settings(change))
      let other = try StageEvaluation(stage, model: model).run(TrainingRows(fixtureRows()))
      #expect(plain.loss == other.loss)
      #expect(other.measures.named["nll"]?.mean == plain.loss)
    }
  }

  @Test func theEntropyOfAVocabularyInSeveralChunks() throws {
    // 5,000 scores in three chunks, of which 30 stand out by known amounts.
    let (vocabulary, width) = (5_000, 4)
    let table = Tensor(shape: [vocabulary, width])
    for index in 0..<30 { table.pointer[(index * 163 + 7) * width] = Float(index) / 10 }
    for pool in [1, 3] {
      let compute = try Compute(threads: pool, computeClass: .f32)
      let tape = Tape(compute: compute, records: false)
      let x = Variable(Tensor(shape: [2, width], values: [1, 0, 0, 0, 2, 0, 0, 0]), needsGradient: false)
      let head = OutputHead(try MatrixWeight(frozen: table, compute: compute))
      let found = try tape.crossEntropy(
        x, head: head, targets: [7, 9], weights: [1, 1], emphasis: .entropy(exponent: 1, count: 20))
      for (factor, scale) in zip(found.emphasis, [1.0, 2.0]) {
        let scores = (10..<30).map { scale * Double($0) / 10 }
        let sum = scores.reduce(0) { $0 + exp($1) }
        let entropy = log(sum) - scores.reduce(0) { $0 + $1 * exp($1) } / sum
        #expect(abs(Double(factor) - entropy / log(20)) < 1e-5)
      }
    }
  }
}
