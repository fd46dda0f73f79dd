import LanguageModels
import Tensors
import TestKit
import Testing
import Training

@Suite("What a training notices about itself")
struct WatchTests {
  @Test func parametersAreComparedWithTheirStart() throws {
    let start = try StoredWeights(fixture("Training/adapter/adapter_model.safetensors"))
    let model = try adaptedModel("adapter")
    func movement() throws -> ParameterMovement {
      try ParameterMovement(model.trainableParameters, since: start, pool: model.compute.pool)
    }
    let names = model.trainableParameters.map(\.name)
    #expect(try movement().unmoved == names)
    #expect(try movement().relativeChange == 0)
    for parameter in model.trainableParameters.dropFirst(2) {
      for index in 0..<parameter.value.count { parameter.value.pointer[index] *= 1.5 }
    }
    model.trainableParameters[5].value.pointer[3] = .infinity
    let moved = try movement()
    #expect(moved.unmoved == Array(names.prefix(2)))
    #expect(moved.notFinite == [names[5]])
    #expect(moved.parameters == names.count)
  }

  @Test func checkpointsAreForeseen() throws {
    func space(_ steps: Int, saveEvery: Int?) throws -> CheckpointSpace {
      let folder = try TemporaryFolder()
      let settings = TrainingSettings(length: .steps(steps), batchSize: 4, learningRate: 1e-3, saveEvery: saveEvery)
      let loop = try TrainingLoop(
        model: adaptedModel("adapter"), stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings,
        checkpoints: CheckpointFolder(path: folder.path))
      let space = try loop.checkpointSpace()
      _ = try loop.run()
      if space.atTheEnd > 0 {
        let after = try loop.checkpointSpace().present
        #expect(after >= space.atTheEnd && after < space.atTheEnd + 200_000, "what is foreseen is what is there")
      }
      return space
    }
    let values = try adaptedModel("adapter").trainableParameters.reduce(0) { $0 + $1.value.count }
    let one = 12 * values
    #expect(try space(3, saveEvery: nil) == CheckpointSpace(running: one, atTheEnd: 0, present: 0))
    #expect(try space(3, saveEvery: 5) == CheckpointSpace(running: one, atTheEnd: 0, present: 0))
    #expect(try space(3, saveEvery: 2) == CheckpointSpace(running: one, atTheEnd: one, present: 0))
    #expect(try space(4, saveEvery: 1) == CheckpointSpace(running: 3 * one, atTheEnd: 2 * one, present: 0))
  }

  @Test func aGradientThatGrowsIsToldOnce() {
    var watch = TrainingWatch()
    var told: [Int] = []
    for (step, norm) in ([Double](repeating: 2, count: 8) + [199, 201, 300, 2]).enumerated() {
      if watch.add(loss: 1, gradNorm: norm, learningRate: 0, rows: 1, rowsWithoutLabels: 1) { told.append(step + 1) }
    }
    #expect(told == [10])
    #expect(watch.grownSteps == 2 && watch.largestNorm == 300 && watch.largestStep == 11)
    #expect(watch.movingSteps == 0 && watch.rows == 12 && watch.rowsWithoutLabels == 12)
  }
}
