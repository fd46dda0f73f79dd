import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Noise on embeddings: scripts/reference/stages, neftune.py.
@Suite("Noise that embeddings get")
struct NoiseTests {
  @Test func lossAndGradientWithGivenNoise() throws {
    let json = try StageFixture("neftune").json
    func number(_ key: String) throws -> Double { try #require(json[key]?.double) }
    let rows = try Array(fixtureRows()[..<Int(number("count"))])
    let model = try referenceModel("full")
    let width = model.configuration.hiddenSize
    let batch = PackedBatch(
      rows.flatMap(\.sequences).map { LabelledSequence(ids: $0.ids, lossMask: $0.lossMask) }, sharesPrefixes: false)
    let noise = Tensor(shape: [batch.layout.tokenCount, width])
    for (row, segment) in batch.layout.segments.enumerated() {
      let length = rows[row].tokenCount
      let bound = Float(try number("alpha") / (Double(length) * Double(width)).squareRoot())
      let unit = patternedTensor("noise.\(row)", shape: [length, width], amplitude: 1)
      for index in 0..<segment.count * width {
        noise.pointer[segment.start * width + index] = unit.pointer[index] * bound
      }
    }
    let weights = [Float](repeating: 1 / Float(batch.labelCount), count: batch.labelCount)
    for (noise, wanted) in [(noise, try number("loss")), (nil, try number("plain_loss"))] {
      let tape = Tape(compute: model.compute, records: true)
      let scored = try tape.crossEntropy(
        model.hiddenStates(tape, batch, noise: noise), head: model.head, targets: batch.targets, weights: weights)
      #expect(relativeError(Double(scored.loss.value.values[0]), wanted) < 1e-5)
      for parameter in model.trainableParameters { parameter.clearGradient() }
      tape.backward(from: scored.loss)
      if noise != nil {
        let norm = model.compute.gradientNorm(model.trainableParameters)
        #expect(relativeError(norm, try number("grad_norm")) < 1e-4)
      }
    }
  }

  @Test func itIsEvenAndAsStrongAsTheSequenceIsShort() throws {
    let compute = try Compute(threads: 3)
    let key = RandomKey(seed: 5)
    let noise = EmbeddingNoise(
      strength: 5, sequences: [.init(length: 100, key: key.child(0)), .init(length: 25, key: key.child(1))])
    let values = noise.values(SequenceLayout(lengths: [90, 20]), width: 64, on: compute).values
    for (range, length) in [(0..<90 * 64, 100.0), (90 * 64..<110 * 64, 25.0)] {
      let bound = Float(5 / (length * 64).squareRoot())
      let some = values[range].map { $0 / bound }
      #expect(some.allSatisfy { abs($0) <= 1 } && some.max().map { $0 > 0.99 } == true)
      #expect(abs(some.reduce(0, +) / Float(some.count)) < 0.03)
      // The variance of even numbers from −1 to 1.
      #expect(abs(some.reduce(0) { $0 + $1 * $1 } / Float(some.count) - 1.0 / 3) < 0.02)
    }
    // Of a sequence's key alone.
    let alone = EmbeddingNoise(strength: 5, sequences: [noise.sequences[1]])
    #expect(
      alone.values(SequenceLayout(lengths: [20]), width: 64, on: compute).values == Array(values[(90 * 64)...]))
  }

  private func stage(_ noise: Double = 5) -> SupervisedStage {
    var settings = SupervisedStage.Settings()
    settings.noise = noise
    return SupervisedStage(settings)
  }

  private func loop(
    _ folder: CheckpointFolder? = nil, noise: Double = 5, threads: Int = 1, budget: Int = 64,
    recomputation: Recomputation = .none
  ) throws -> TrainingLoop<SupervisedStage> {
    let model = try adaptedModel("adapter", threads: threads)
    model.recomputation = recomputation
    var settings = try settings(of: readJSON(fixture("Training/adapter.json")), tokenBudget: budget)
    settings.shuffle = true
    settings.length = .steps(6)
    // The first two rows begin alike.
    var rows = try fixtureRows()
    rows[1] = rows[0]
    return try TrainingLoop(
      model: model, stage: stage(noise), rows: TrainingRows(rows), settings: settings, checkpoints: folder)
  }

  @Test func threadsAndRecomputationChangeNothing() throws {
    let one = try loop()
    let expected = try one.run()
    for (threads, recomputation) in [(2, Recomputation.none), (3, .block), (1, .attention)] {
      let other = try loop(threads: threads, recomputation: recomputation)
      #expect(try timeless(other.run().metrics) == timeless(expected.metrics))
      #expect(trainedValues(other.model) == trainedValues(one.model))
    }
    #expect(try timeless(loop(noise: 0).run().metrics) != timeless(expected.metrics))
  }

  @Test func howRowsAreLaidIntoBatchesChangesOnlyRounding() throws {
    let whole = try loop(budget: 10_000).run().metrics
    for budget in [1, 40, 70] {
      for (found, expected) in zip(try loop(budget: budget).run().metrics, whole) {
        for key in ["loss", "grad_norm"] {
          #expect(relativeError(try #require(found[key]?.double), try #require(expected[key]?.double)) < 1e-5)
        }
      }
    }
  }

  @Test func resumedItIsTheSame() throws {
    let uninterrupted = try loop()
    let expected = try uninterrupted.run()
    for stop in [1, 4] {
      let folder = try TemporaryFolder()
      let first = try loop(CheckpointFolder(path: folder.path))
      var steps = 0
      first.shouldStop = {
        steps += 1
        return steps == stop
      }
      #expect(throws: TrainingInterrupted.self) { try first.run() }
      let second = try loop(CheckpointFolder(path: folder.path))
      #expect(try timeless(second.run().metrics) == timeless(expected.metrics))
      #expect(trainedValues(second.model) == trainedValues(uninterrupted.model))
    }
  }

  @Test func whatIsMeasuredHasNone() throws {
    let model = try TinyLlama("gqa").model()
    let plain = try StageEvaluation(stage(0), model: model).run(TrainingRows(fixtureRows()))
    #expect(try StageEvaluation(stage(), model: model).run(TrainingRows(fixtureRows())) == plain)
  }
}
