import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

/// The loss (mean over label tokens) of batches computed one after the other, gradients left in the model's parameters.
func lossAndGradients(_ model: LanguageModel, _ batches: [[LabelledSequence]]) throws -> Double {
  let count = batches.joined().reduce(0) { $0 + $1.labelCount }
  for parameter in model.parameters { parameter.clearGradient() }
  var loss = 0.0
  for sequences in batches {
    let batch = PackedBatch(sequences)
    guard batch.labelCount > 0 else { continue }
    let tape = Tape(compute: model.compute, records: true)
    let scored = try tape.crossEntropy(
      model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
      weights: [Float](repeating: 1 / Float(count), count: batch.labelCount))
    tape.backward(from: scored.loss)
    loss += Double(scored.loss.value.pointer[0])
  }
  return loss
}

@Suite("Gradients of whole models")
struct GradientTests {
  @Test(arguments: ["gqa", "tied"])
  func equalThoseOfPyTorch(name: String) throws {
    let tiny = try TinyLlama(name)
    let model = try tiny.model(trains: { _ in true })
    let expected = try tiny.expectedTensors()
    let numbers = try tiny.expectedNumbers()
    let loss = try lossAndGradients(model, [tiny.sequences()])
    #expect(relativeError(loss, try #require(numbers["loss"]?.double)) < 1e-5)

    let norms = try #require(numbers["gradient_norms"]?.object)
    #expect(model.trainableParameters.map(\.name).sorted() == norms.keys.sorted())
    for parameter in model.trainableParameters {
      let gradient = try #require(parameter.gradient, "no gradient of \(parameter.name)")
      let wanted = try expected.tensor(named: "gradient.\(parameter.name)")
      #expect(gradient.shape == wanted.shape)
      #expect(relativeDistance(gradient.values, wanted.values) < 1e-4, "\(parameter.name)")
    }
  }

  /// Each sequence by itself, all at once, and cuts in between.
  @Test(arguments: ["gqa", "tied"])
  func doNotDependOnHowRowsAreLaidIntoBatches(name: String) throws {
    let tiny = try TinyLlama(name)
    let model = try tiny.model(trains: { _ in true })
    let sequences = try tiny.sequences()
    let whole = try lossAndGradients(model, [sequences])
    let gradients = try model.trainableParameters.map { try #require($0.gradient).copy() }
    for batches in [sequences.map { [$0] }, [Array(sequences[..<2]), Array(sequences[2...])]] {
      let loss = try lossAndGradients(model, batches)
      #expect(relativeError(loss, whole) < 1e-6)
      for (parameter, expected) in zip(model.trainableParameters, gradients) {
        let found = try #require(parameter.gradient)
        #expect(relativeDistance(found.values, expected.values) < 1e-5, "\(parameter.name)")
      }
    }
  }

  @Test func areTheSameBitsWithAnyNumberOfThreads() throws {
    let tiny = try TinyLlama("gqa")
    let sequences = try tiny.sequences()
    func bits(threads: Int) throws -> (Double, [[Float]]) {
      let model = try tiny.model(threads: threads, trains: { _ in true })
      let loss = try lossAndGradients(model, [sequences])
      return (loss, model.trainableParameters.compactMap { $0.gradient?.values })
    }
    let one = try bits(threads: 1)
    for threads in 2...3 {
      let more = try bits(threads: threads)
      #expect(more.0 == one.0)
      #expect(more.1 == one.1)
    }
  }

  @Test func reachOnlyWhatIsTrained() throws {
    let tiny = try TinyLlama("gqa")
    let model = try tiny.model(trains: { $0 == "model.layers.1.mlp.up_proj.weight" })
    _ = try lossAndGradients(model, [tiny.sequences()])
    #expect(model.trainableParameters.map(\.name) == ["model.layers.1.mlp.up_proj.weight"])
    #expect(model.parameters.filter { $0.gradient != nil }.count == 1)
    let wanted = try tiny.expectedTensors().tensor(named: "gradient.model.layers.1.mlp.up_proj.weight")
    let found = try #require(model.trainableParameters[0].gradient)
    #expect(relativeDistance(found.values, wanted.values) < 1e-4)
  }
}
