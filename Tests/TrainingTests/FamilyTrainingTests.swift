import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// One dense, one parallel, one windowed and two expert families in training.
@Suite("Families in training")
struct FamilyTrainingTests {
  private func loop(
    _ name: String, threads: Int = 1, balance: Double = 0, _ folder: CheckpointFolder? = nil
  ) throws -> TrainingLoop<SupervisedStage> {
    let fixture = try FamilyFixture(name)
    let rows = try fixture.sequences().map { TokenRow([TokenSequence(ids: $0.ids, lossMask: $0.lossMask)]) }
    let settings = TrainingSettings(
      length: .steps(6), batchSize: 3, learningRate: 1e-3, routerBalance: balance, shuffle: true, tokenBudget: 64)
    return try TrainingLoop(
      model: fixture.model(threads: threads, trains: { _ in true }), stage: SupervisedStage(),
      rows: TrainingRows(rows), settings: settings, checkpoints: folder)
  }

  @Test(arguments: ["llama", "phi", "gemma2", "qwen2_moe", "gpt_oss"])
  func aStopAndMoreThreadsChangeNoBit(name: String) throws {
    let whole = try loop(name, balance: 0.01)
    let expected = try whole.run()
    let folder = try TemporaryFolder()
    let first = try loop(name, threads: 2, balance: 0.01, CheckpointFolder(path: folder.path))
    var steps = 0
    first.shouldStop = {
      steps += 1
      return steps == 3
    }
    #expect(throws: TrainingInterrupted.self) { _ = try first.run() }
    let second = try loop(name, threads: 3, balance: 0.01, CheckpointFolder(path: folder.path))
    let result = try second.run()
    #expect(trainedValues(second.model) == trainedValues(whole.model))
    #expect(result.tokens == expected.tokens)
  }

  /// Of each family, with weights as its files hold them: exchanged, or all experts in one tensor.
  @Test(arguments: FamilyFixture.names)
  func howFarParametersMovedIsKnown(name: String) throws {
    let fixture = try FamilyFixture(name)
    guard let configuration = try? fixture.configuration() else { return }
    let model = try fixture.model(trains: { _ in true })
    let start = try ParameterSource(configuration, FormulaWeights(fixture.values), compute: model.compute)
    let movement = try ParameterMovement(model.trainableParameters, since: start, pool: model.compute.pool)
    #expect(movement.unmoved.count == movement.parameters)
    for parameter in model.trainableParameters { parameter.value.pointer[0] += 1 }
    let after = try ParameterMovement(model.trainableParameters, since: start, pool: model.compute.pool)
    #expect(after.unmoved == [])
  }

  @Test func theLossForEvenRoutingIsToldAndLearned() throws {
    let without = try loop("qwen2_moe")
    let plain = try without.run()
    #expect(plain.metrics.allSatisfy { $0["router_loss"] == nil })
    let with = try loop("qwen2_moe", balance: 10)
    let metrics = try with.run().metrics.compactMap { $0["router_loss"]?.double }
    #expect(metrics.count == 6)
    // As many as experts of a token where routing is even, more where it is not.
    #expect(metrics.allSatisfy { $0 >= 2 })
    #expect(trainedValues(with.model) != trainedValues(without.model))
    // A model without experts has nothing to balance.
    #expect(try loop("llama", balance: 10).run().metrics.allSatisfy { $0["router_loss"] == nil })
  }
}
