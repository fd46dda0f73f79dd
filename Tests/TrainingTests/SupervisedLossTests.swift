import Foundation
import PreciseJSON
import Tensors
import TestKit
import Testing
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
    arguments: StageFixture.values("sft").filter {
      $0.settings["eaft_normalizer"] == nil && $0.settings["loss"]?.string != "asft"
    })
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
    "Ten steps", arguments: StageFixture.runs("sft").filter { !["weights", "asft", "asft_reverse"].contains($0.name) })
  func tenSteps(run: StageFixture.Run) throws {
    try run.expectSameSteps(SupervisedStage(Self.settings(run.settings)), fixtureRows())
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
