import Foundation
import PreciseJSON
import Tensors
import TestKit
import Testing
import Training

/// Labels that count by what the model says of them: scripts/reference/stages, sft.py.
@Suite("Losses of supervised fine-tuning")
struct SupervisedLossTests {
  private static func emphasis(_ settings: JSON) -> LabelEmphasis? {
    switch settings["loss"]?.string {
    case "dft": .probability
    case "eaft": .entropy(exponent: settings["eaft_alpha"]?.double ?? 1, count: settings["eaft_k"]?.int ?? 20)
    default: nil
    }
  }

  @Test("Ten steps", arguments: StageFixture.runs("sft").filter { emphasis($0.settings) != nil })
  func tenSteps(run: StageFixture.Run) throws {
    try run.expectSameSteps(SupervisedStage(Self.emphasis(run.settings)), fixtureRows())
  }

  @Test func aSetIsMeasuredByPlainLogProbabilities() throws {
    let model = try TinyLlama("gqa").model()
    let plain = try StageEvaluation(SupervisedStage(), model: model).run(TrainingRows(fixtureRows()))
    let other = try StageEvaluation(SupervisedStage(.probability), model: model).run(TrainingRows(fixtureRows()))
    #expect(plain.loss == other.loss)
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
