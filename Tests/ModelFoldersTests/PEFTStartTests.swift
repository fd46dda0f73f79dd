import Glibc
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// Trainings of adapters that PEFT and PyTorch's AdamW made, from `scripts/reference/peft_methods`.
@Suite("Adapters learn as PEFT's")
struct PEFTStartTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func losses(_ fixture: PEFTFixture, _ model: LanguageModel, steps: Int = 6) throws -> [Double] {
    try TrainedByHand.losses(fixture, model, steps: steps)
  }

  private func expect(_ found: [Double], _ expected: JSON?, _ words: String, tolerance: Double = 1e-4) throws {
    let list = try #require(expected?.array)
    let expected = list.compactMap(\.double)
    #expect(found.count == expected.count)
    for (one, other) in zip(found, expected) {
      #expect(relativeError(one, other) < tolerance, "\(words): \(found) \(expected)")
    }
  }

  @Test("six steps, and three after the folder was written and read", arguments: PEFTMethodTests.computed)
  func steps(name: String) throws {
    let fixture = try PEFTFixture(name)
    let configuration = try fixture.configuration()
    func model(_ path: String) throws -> LanguageModel {
      let adapter = try AdapterFolder(path: path)
      let model = try LanguageModel(
        configuration, weights: adapter.weights(beside: fixture.baseWeights(), of: configuration),
        compute: Compute(threads: 1), beside: adapter.configuration)
      try adapter.attach(to: model)
      return model
    }
    // PyTorch's solution of linear systems in 32 bits leaves gradients that the first steps of Adam enlarge.
    let tolerance = name == "oft-exact" ? 1e-3 : 1e-4
    try fixture.write(to: folder.path("a"))
    try expect(
      losses(fixture, model(folder.path("a"))), fixture.values["steps"]?["losses"], "losses", tolerance: tolerance)
    guard let later = fixture.values["steps"]?["losses_with_new_optimizer_after_3"] else { return }
    let half = try model(folder.path("a"))
    _ = try losses(fixture, half, steps: 3)
    try AdapterWriter(baseModel: "base", tokenizer: nil, card: nil).write(half, to: folder.path("half"))
    try expect(losses(fixture, model(folder.path("half")), steps: 3), later, "continued", tolerance: tolerance)
  }

  @Test(
    "PiSSA and OLoRA start from parts of the weights",
    arguments: [
      "pissa", "pissa-patterns", "pissa-rslora", "olora", "olora-biased",
    ])
  func starts(name: String) throws {
    let fixture = try PEFTFixture(name)
    let configuration = try fixture.configuration()
    let options = try #require(fixture.values["adapter_config"])
    let method = LoRA(
      rank: try #require(options["r"]?.int), alpha: options["lora_alpha"]?.double.map { Float($0) },
      usesRSLoRA: options["use_rslora"]?.bool ?? false,
      start: try #require(options["init_lora_weights"]?.string.flatMap(LoRA.Start.init(rawValue:))),
      rankPattern: (options["rank_pattern"]?.object?.members ?? []).map { ModulePattern($0.key, $0.value.int ?? 0) },
      alphaPattern: (options["alpha_pattern"]?.object?.members ?? []).map {
        ModulePattern($0.key, Float($0.value.double ?? 0))
      })
    let targets = Set(options["target_modules"]?.array?.compactMap(\.string) ?? [])
    let adapter = AdapterConfiguration(AdapterSelection(.list(targets)), method)
    let model = try LanguageModel(configuration, weights: fixture.baseWeights(), compute: Compute(threads: 1))
    let plain = try fixture.logits(of: model)
    try model.attach(adapter, seed: 3)
    #expect(model.trainableParameters.reduce(0) { $0 + $1.value.count } == fixture.values["trainable"]?.int)
    let start = try #require(fixture.values["start"])
    let values = Dictionary(uniqueKeysWithValues: model.adapterParameters.map { ($0.name, $0.value) })
    for (module, map) in start["maps"]?.object?.members ?? [] {
      let a = try #require(values["base_model.model.\(module).lora_A.weight"])
      let b = try #require(values["base_model.model.\(module).lora_B.weight"])
      #expect(a.rows == map["rank"]?.int)
      let norm = try #require(map["product"]?["norm"]?.double)
      for (place, value) in zip(map["product"]?["at"]?.array ?? [], map["product"]?["values"]?.array ?? []) {
        let (row, column) = ((place.int ?? 0) / a.columns, (place.int ?? 0) % a.columns)
        let own = (0..<a.rows).reduce(0.0) {
          $0 + Double(b.values[row * a.rows + $1]) * Double(a.values[$1 * a.columns + column])
        }
        #expect(abs(own - (value.double ?? 0)) < 1e-5 * norm, "\(module)")
      }
      for (r, length) in (map["row_norms_a"]?.array ?? []).enumerated() {
        let own = a.values[r * a.columns..<(r + 1) * a.columns].reduce(0.0) { $0 + Double($1) * Double($1) }
          .squareRoot()
        #expect(relativeError(own, length.double ?? 0) < 1e-4, "\(module)")
      }
    }
    // The output at the start is the base's.
    for (one, other) in try zip(fixture.logits(of: model), plain) { #expect(largestDifference(one, other) < 1e-5) }
    try expect(losses(fixture, model), start["losses"], "losses")
  }

  @Test(
    "what is written of PiSSA for PEFT is a LoRA of twice the rank for the base as it is",
    arguments: [
      "pissa", "pissa-rslora", "olora",
    ])
  func conversion(name: String) throws {
    let fixture = try PEFTFixture(name)
    let configuration = try fixture.configuration()
    let converted = try #require(fixture.values["converted"])
    let options = try #require(fixture.values["adapter_config"])
    let method = LoRA(
      rank: try #require(options["r"]?.int), alpha: options["lora_alpha"]?.double.map { Float($0) },
      usesRSLoRA: options["use_rslora"]?.bool ?? false,
      start: try #require(options["init_lora_weights"]?.string.flatMap(LoRA.Start.init(rawValue:))))
    let targets = Set(options["target_modules"]?.array?.compactMap(\.string) ?? [])
    let model = try LanguageModel(configuration, weights: fixture.baseWeights(), compute: Compute(threads: 1))
    try model.attach(AdapterConfiguration(AdapterSelection(.list(targets)), method), seed: 3)
    _ = try losses(fixture, model, steps: 3)
    let writer = AdapterWriter(baseModel: "base", tokenizer: nil, card: nil)
    try writer.write(model, to: folder.path("own"))
    let own = try AdapterFolder(path: folder.path("own"))
    #expect((own.configuration.method as? LoRA)?.start == method.start)
    try writer.write(own, of: configuration, isPortable: true, to: folder.path("out"))
    let written = try AdapterFolder(path: folder.path("out"))
    let lora = try #require(written.configuration.method as? LoRA)
    #expect(lora.rank == converted["adapter_config"]?["r"]?.int)
    #expect(abs(Double(lora.alpha) - (converted["adapter_config"]?["lora_alpha"]?.double ?? 0)) < 1e-5)
    #expect(lora.start == .standard)
    let again = try LanguageModel(configuration, weights: fixture.baseWeights(), compute: Compute(threads: 1))
    try written.attach(to: again)
    let expected = (converted["logits"]?.array ?? []).map {
      ($0.array ?? []).compactMap { $0.double.map { Float($0) } }
    }
    for (one, other) in try zip(fixture.logits(of: again), expected) { #expect(largestDifference(one, other) < 2e-3) }
    for (one, other) in try zip(fixture.logits(of: again), fixture.logits(of: model)) {
      #expect(largestDifference(one, other) < 1e-5)
    }
  }
}

/// A training by the losses of a fixture's texts, with AdamW as PyTorch has it.
enum TrainedByHand {
  /// The losses before each of some steps and after them.
  static func losses(_ fixture: PEFTFixture, _ model: LanguageModel, steps: Int = 6) throws -> [Double] {
    let batch = PackedBatch(try fixture.sequences())
    let optimizer = PlainAdamW()
    return try (0...steps).map { step in
      for parameter in model.parameters { parameter.clearGradient() }
      let tape = Tape(compute: model.compute, records: true)
      let scored = try tape.crossEntropy(
        model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
        weights: [Float](repeating: 1 / Float(batch.labelCount), count: batch.labelCount))
      tape.backward(from: scored.loss)
      if step < steps { optimizer.step(model.trainableParameters) }
      return Double(scored.loss.value.values[0])
    }
  }
}

/// AdamW as PyTorch has it, with the numbers of the fixtures.
private final class PlainAdamW {
  private var moments: [String: (first: [Double], second: [Double])] = [:]
  private var count = 0

  func step(_ parameters: [Parameter]) {
    count += 1
    let (rate, decay, beta1, beta2) = (0.01, 0.01, 0.9, 0.999)
    for parameter in parameters {
      guard let gradient = parameter.gradient?.values else { continue }
      var (first, second) =
        moments[parameter.name]
        ?? ([Double](repeating: 0, count: gradient.count), [Double](repeating: 0, count: gradient.count))
      for index in gradient.indices {
        let g = Double(gradient[index])
        first[index] = beta1 * first[index] + (1 - beta1) * g
        second[index] = beta2 * second[index] + (1 - beta2) * g * g
        var value = Double(parameter.value.pointer[index])
        value -= rate * decay * value
        let corrected = (second[index] / (1 - pow(beta2, Double(count)))).squareRoot()
        value -= rate / (1 - pow(beta1, Double(count))) * first[index] / (corrected + 1e-8)
        parameter.value.pointer[index] = Float(value)
      }
      moments[parameter.name] = (first, second)
    }
  }
}
