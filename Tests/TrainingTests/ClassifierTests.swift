import PreciseJSON
import TestKit
import Testing
import TokenShards
import Training

/// Answers that are wanted or not, told apart by their rewards: scripts/reference/stages, bco.py.
@Suite("Binary classifier of answers")
struct ClassifierTests {
  @Test("Values and derivatives", arguments: StageFixture.values("bco"))
  func closedForm(value: StageFixture.Value) throws {
    let beta = try #require(value.settings["beta"]?.double)
    let policy = try #require(value.input("policy"))
    let reference = try #require(value.input("reference"))
    let labels = try #require(value.json["inputs"]?["labels"]?.array).map { $0.bool == true }
    let ratios = zip(policy, reference).map { $0 - $1 }
    let shift = beta * ratios.reduce(0, +) / Double(ratios.count)
    // TRL keeps δ in 32 bits.
    #expect(abs(shift - (try #require(value.json["delta"]?.double))) < 1e-6)
    var loss = 0.0
    for (index, wanted) in try #require(value.gradient("policy")).enumerated() {
      func judged(at ratio: Double) -> (loss: Double, derivative: Double) {
        ClassifierStage.loss(ratio: ratio, isWanted: labels[index], shift: shift, beta: beta)
      }
      let found = judged(at: ratios[index])
      loss += found.loss / Double(policy.count)
      #expect(abs(found.derivative / Double(policy.count) - wanted) < 1e-7)
      let difference = (judged(at: ratios[index] + 1e-4).loss - judged(at: ratios[index] - 1e-4).loss) / 2e-4
      #expect(abs(found.derivative - difference) < 1e-8)
    }
    #expect(abs(loss - (try #require(value.json["loss"]?.double))) < 1e-7)
  }

  @Test("Ten steps", arguments: StageFixture.runs("bco"))
  func tenSteps(run: StageFixture.Run) throws {
    let rows = try JudgedTests.rows()
    let base = try TinyLlama("gqa").model()
    let stage = ClassifierStage(
      beta: try #require(run.settings["beta"]?.double),
      reference: try answerLogProbabilities(of: rows.map { $0.sequences[0] }, model: base))
    try run.expectSameSteps(stage, rows)
  }
}
