import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// How AdaLoRA takes ranks away, from `scripts/reference/peft_methods`: 20 steps with gradients of a formula.
@Suite("AdaLoRA takes ranks away as PEFT does")
struct AdaLoRATests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The model with the adapter of the fixture, and its schedule.
  private func model(_ fixture: PEFTFixture) throws -> LanguageModel {
    try fixture.write(to: folder.path("adapter"))
    let adapter = try AdapterFolder(path: folder.path("adapter"))
    var configuration = adapter.configuration
    var method = try #require(configuration.method as? AdaLoRA)
    let options = try #require(fixture.values["adapter_config"])
    method.schedule = RankBudget.Schedule(
      firstSteps: try #require(options["tinit"]?.int), lastSteps: try #require(options["tfinal"]?.int),
      interval: try #require(options["deltaT"]?.int), beta1: try #require(options["beta1"]?.double),
      beta2: try #require(options["beta2"]?.double), orthogonality: try #require(options["orth_reg_weight"]?.double))
    configuration.method = method
    let model = try LanguageModel(
      fixture.configuration(), weights: fixture.baseWeights(), compute: Compute(threads: 1))
    try model.attach(configuration, from: adapter)
    return model
  }

  @Test("twenty steps, what is left, and the folder that PEFT reads", arguments: ["adalora", "adalora-each"])
  func course(name: String) throws {
    let fixture = try PEFTFixture(name)
    let model = try model(fixture)
    let run = try #require(fixture.values["run"])
    let rate = Float(try #require(run["rate"]?.double))
    let course = try #require(model.adapterCourse() as? RankBudget)
    let steps = try #require(run["steps"]?.array)
    for (index, step) in steps.enumerated() {
      for parameter in model.trainableParameters {
        let gradient = patternedTensor("\(index + 1) \(parameter.name)", shape: parameter.value.shape, amplitude: 1)
        for place in 0..<gradient.count { parameter.value.pointer[place] -= rate * gradient.pointer[place] }
        // Half of it, and twice as much told: what the optimizer was given counts.
        for place in 0..<gradient.count { gradient.pointer[place] *= 0.5 }
        parameter.gradient = gradient
      }
      course.act(after: index + 1, of: steps.count, gradientScale: 2)
      #expect(course.budget == step["budget"]?.int, "step \(index + 1)")
      for (name, count) in step["ranks"]?.object?.members ?? [] {
        let kept = try #require(course.tensors.first { "\($0.name).lora_E" == "kept.\(name)" })
        #expect(Int(kept.value.values.reduce(0, +)) == count.int, "step \(index + 1) \(name)")
      }
    }
    for (name, values) in run["E"]?.object?.members ?? [] {
      let own = try #require(try model.adapterTensor(named: name)).values
      for (one, other) in zip(own, values.array ?? []) {
        #expect(abs(Double(one) - (other.double ?? 9)) < 1e-5, "\(name)")
      }
    }
    #expect(largest(try fixture.logits(of: model), run["logits"]) < 1e-4)

    try AdapterWriter(baseModel: "base", tokenizer: nil, card: nil).write(model, to: folder.path("out"))
    let written = try AdapterFolder(path: folder.path("out"))
    let options = try readJSON(folder.path("out/adapter_config.json"))
    #expect(options["rank_pattern"]?.object?.members.count == run["rank_pattern"]?.object?.members.count)
    for (name, kept) in run["rank_pattern"]?.object?.members ?? [] {
      #expect(options["rank_pattern"]?[name] == kept, "\(name)")
    }
    #expect(options["total_step"]?.int == 1)
    let file = try SafetensorsFile(path: folder.path("out/adapter_model.safetensors"))
    var saved: [String: [Int]] = [:]
    for tensor in run["saved"]?.array ?? [] {
      saved[tensor["name"]?.string ?? ""] = tensor["shape"]?.array?.compactMap(\.int)
    }
    #expect(Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) }) == saved)
    let again = try LanguageModel(
      fixture.configuration(), weights: fixture.baseWeights(), compute: Compute(threads: 1))
    try written.attach(to: again)
    #expect(largest(try fixture.logits(of: again), run["logits"]) < 1e-4)
    #expect(again.adapterCourse() == nil)
  }

  private func largest(_ found: [[Float]], _ wanted: JSON?) -> Float {
    let wanted = (wanted?.array ?? []).map { ($0.array ?? []).compactMap { $0.double.map { Float($0) } } }
    return found.count == wanted.count
      ? zip(found, wanted).map { largestDifference($0, $1) }.max() ?? .infinity : .infinity
  }

  @Test("what holds A and B orthogonal, and its gradient", arguments: ["adalora", "adalora-each"])
  func penalty(name: String) throws {
    let fixture = try PEFTFixture(name)
    let model = try model(fixture)
    let course = try #require(model.adapterCourse())
    for parameter in model.trainableParameters { parameter.gradient = Tensor(shape: parameter.value.shape) }
    let penalty = course.addPenalty()
    #expect(penalty.name == "orthogonality")
    #expect(relativeError(penalty.value, try #require(fixture.values["penalty"]?.double)) < 1e-6)
    let weight = try #require(fixture.values["adapter_config"]?["orth_reg_weight"]?.double)
    for (name, sample) in fixture.values["penalty_gradients"]?.object?.members ?? [] {
      let gradient = try #require(model.trainableParameters.first { $0.name == name }?.gradient).values
      let norm = try #require(sample["norm"]?.double)
      for (place, value) in zip(sample["at"]?.array ?? [], sample["values"]?.array ?? []) {
        #expect(abs(Double(gradient[place.int ?? 0]) - weight * (value.double ?? 0)) < 1e-5 * norm, "\(name)")
      }
    }
  }

  @Test("a schedule stands in the folder of a fresh one alone, and is read again")
  func schedule() throws {
    let fixture = try PEFTFixture("adalora")
    let configuration = try fixture.configuration()
    var options = AdapterOptions()
    options.rank = 6
    options.budget = RankBudget.Schedule(firstSteps: 3, interval: 2, beta1: 0.9)
    let method = try AdaLoRA(options)
    #expect(method.targetRank == 4)
    let adapter = AdapterConfiguration(AdapterSelection(.list(["q_proj"])), method)
    let model = try LanguageModel(configuration, weights: fixture.baseWeights(), compute: Compute(threads: 1))
    try model.attach(adapter, seed: 1)
    let names = configuration.adaptedMaps(adapter)
    let writer = AdapterWriter(baseModel: "base", tokenizer: nil, card: nil)
    try writer.write(adapter, of: configuration, to: folder.path("fresh")) { map in
      try adapter.tensors(map).map { try #require(try model.adapterTensor(named: $0.name)) }
    }
    let fresh = try AdapterFolder(path: folder.path("fresh"))
    #expect(fresh.configuration == adapter && !names.isEmpty)
    // PEFT wants the number of steps of a training; what is exported has none before it.
    try writer.write(fresh, of: configuration, isPortable: true, to: folder.path("out"))
    #expect(try readJSON(folder.path("out/adapter_config.json"))["total_step"]?.int == 1)
    let course = try #require(model.adapterCourse())
    try course.check(steps: 4)
    #expect(throws: AdapterError.self) { try course.check(steps: 3) }
    options.targetRank = 7
    #expect(throws: AdapterError.self) { try AdaLoRA(options).validate() }
  }
}
