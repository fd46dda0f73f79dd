import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing
import TokenShards
import Training

/// Loss, gradient norm and learning rate of each record against those of a reference.
func expectEqualSteps(_ metrics: [JSON], _ reference: JSON, within tolerance: Double) throws {
  let steps = try #require(reference["steps"]?.array)
  #expect(metrics.count == steps.count)
  for (index, (found, expected)) in zip(metrics, steps).enumerated() {
    for key in ["loss", "grad_norm", "learning_rate"] {
      let error = relativeError(try #require(found[key]?.double), try #require(expected[key]?.double))
      #expect(error < (key == "learning_rate" ? 1e-12 : tolerance), "step \(index + 1), \(key)")
    }
  }
}

@Suite("Ten steps follow PyTorch and PEFT")
struct ReferenceTests {
  @Test(arguments: ["full", "adapter", "rslora"])
  func tinyModel(name: String) throws {
    let reference = try readJSON(fixture("Training/\(name).json"))
    let model = try referenceModel(name)
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(fixtureRows()), settings: settings(of: reference))
    let result = try loop.run()
    try expectEqualSteps(result.metrics, reference, within: 1e-4)
    // Where the parameters ended: as many in number, and as long each.
    let squares = try #require(reference["squares"]?.object)
    #expect(model.trainableParameters.map(\.name).sorted() == squares.keys.sorted())
    for parameter in model.trainableParameters {
      let found = parameter.value.values.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(relativeError(found, try #require(squares[parameter.name]?.double)) < 1e-4, "\(parameter.name)")
    }
  }

  static let smollm2 = realAsset("models/SmolLM2-135M-Instruct.Q4_1.gguf")

  @Test(.enabled(if: smollm2 != nil, "needs ANNEAL_ASSETS with models/SmolLM2-135M-Instruct.Q4_1.gguf"))
  func smolLM2() throws {
    let source = try StoredGGUF(#require(Self.smollm2))
    let model = try LanguageModel(source.configuration, weights: source, compute: Compute(threads: 2))
    try model.attach(AdapterConfiguration(rank: 8), from: PatternedWeights())
    let reference = try readJSON(fixture("Training/smollm2.json"))
    let loop = try TrainingLoop(
      model: model, stage: SupervisedStage(), rows: TrainingRows(tokenRows(reference["rows"])),
      settings: settings(of: reference))
    loop.onEvent = { event in
      if case .recorded(let record) = event { print("SmolLM2: \(record.text())") }
    }
    try expectEqualSteps(loop.run().metrics, reference, within: 1e-4)
  }
}
