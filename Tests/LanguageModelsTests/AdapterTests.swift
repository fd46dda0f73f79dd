import Diagnostics
import LanguageModels
import Tensors
import TestKit
import Testing

@Suite("Low-rank adapters")
struct AdapterTests {
  @Test func targetsAreNamedAsInPEFT() throws {
    let model = try TinyLlama("gqa").configuration
    #expect(try model.targets(named: ["all_linear"]) == AdapterConfiguration.allMaps)
    #expect(try model.targets(named: ["q_proj", "mlp.up_proj"]) == ["q_proj", "up_proj"])
    do {
      _ = try model.targets(named: ["q_prj"])
      Issue.record("no error")
    } catch {
      #expect(error.diagnostics[0].summary == "No linear map is named `q_prj`")
      #expect(error.diagnostics[0].advice == "Did you mean `q_proj`?")
    }
    #expect(throws: AdapterError.noTargets) { try model.targets(named: []) }
  }

  @Test func theScaleIsThatOfPEFT() {
    let map = AdaptedMap(module: "model.layers.0.self_attn.q_proj", inputs: 64, outputs: 64)
    #expect(LoRA(rank: 8).scale(of: map) == 2)
    #expect(LoRA(rank: 8, alpha: 4).scale(of: map) == 0.5)
    #expect(LoRA(rank: 16, alpha: 8, usesRSLoRA: true).scale(of: map) == 2)
  }

  @Test func aFreshOneChangesNothingAndFreezesTheRest() throws {
    let tiny = try TinyLlama("gqa")
    let model = try tiny.model(trains: { _ in true })
    let ids = try tiny.sequences()[0].ids
    let layout = SequenceLayout(lengths: [ids.count])
    let before = try model.logits(ids: ids, layout: layout, rows: [5, 9]).values
    try model.attach(AdapterConfiguration(rank: 4), seed: 1)
    #expect(try model.logits(ids: ids, layout: layout, rows: [5, 9]).values == before)
    #expect(model.trainableParameters.count == 2 * 2 * 7)
    #expect(model.trainableParameters.allSatisfy { $0.name.hasPrefix("base_model.model.model.layers.") })
    #expect(model.adapterParameters.map(\.name) == model.trainableParameters.map(\.name))
    #expect(
      model.trainableParameters[0].name == "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")
    #expect(throws: AdapterError.alreadyAttached) { try model.attach(AdapterConfiguration(rank: 4), seed: 1) }
  }

  @Test("what an adapter drops depends on its own name, not on which other linear maps there are")
  func dropoutIsNamed() throws {
    let tiny = try TinyLlama("gqa")
    func streams(_ targets: Set<String>) throws -> [UInt64] {
      let model = try tiny.model()
      try model.attach(AdapterConfiguration(rank: 2, dropout: 0.1, targets: targets), seed: 1)
      return model.blocks.flatMap { $0.maps.compactMap(\.projection.adapter?.dropoutStream) }
    }
    let all = try streams(AdapterConfiguration.allMaps)
    #expect(Set(all).count == 2 * 7)
    #expect(try streams(["up_proj"]) == [all[5], all[12]])
    // FNV-1a of the name that PEFT gives the first matrix.
    #expect(all[0] == 0xB5A8_E92F_2345_7E3F)
  }

  @Test func theSizeOfAnUpdateIsThatOfWhatMergingAdds() throws {
    let tiny = try TinyLlama("gqa")
    let model = try tiny.model(trains: { _ in true })
    let plain = try model.mergedTensor(named: "model.layers.1.self_attn.v_proj.weight").values
    try model.attach(AdapterConfiguration(rank: 3, alpha: 5, targets: ["v_proj", "up_proj"]), seed: 1)
    #expect(try model.adapterUpdates.allSatisfy { $0.size == 0 && !$0.isDead })
    for parameter in model.adapterParameters where parameter.name.contains("1.self_attn.v_proj") {
      for index in 0..<parameter.value.count { parameter.value.pointer[index] = Float(index % 7) - 3 }
    }
    let updates = try model.adapterUpdates
    #expect(updates.map(\.module).first == "model.layers.0.self_attn.v_proj")
    let update = try #require(updates.first { $0.module == "model.layers.1.self_attn.v_proj" })
    let merged = try model.mergedTensor(named: "model.layers.1.self_attn.v_proj.weight").values
    let length = zip(merged, plain).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    #expect(abs(update.size / length - 1) < 1e-5, "\(update.size), \(length)")
  }

  @Test func startsAsPEFTStarts() throws {
    let tiny = try TinyLlama("gqa")
    func values(seed: UInt64, _ targets: Set<String>) throws -> [String: [Float]] {
      let model = try tiny.model()
      try model.attach(AdapterConfiguration(rank: 8, targets: targets), seed: seed)
      return Dictionary(uniqueKeysWithValues: model.adapterParameters.map { ($0.name, $0.value.values) })
    }
    let all = try values(seed: 3, AdapterConfiguration.allMaps)
    for (name, numbers) in all {
      if name.hasSuffix("lora_B.weight") {
        #expect(numbers.allSatisfy { $0 == 0 })
      } else {
        // Kaiming with a = √5 is uniform in ±1/√in; 64 and 72 inputs here.
        let bound = 1 / Float(name.contains("down_proj") ? 72 : 64).squareRoot()
        #expect(numbers.allSatisfy { abs($0) <= bound })
        let variance = numbers.reduce(0) { $0 + $1 * $1 } / Float(numbers.count)
        #expect(abs(variance / (bound * bound / 3) - 1) < 0.15)
      }
    }
    #expect(Set(all.filter { $0.key.hasSuffix("lora_A.weight") }.values).count == 14)
    // The numbers of one matrix depend neither on the other targets nor on their order.
    for (name, numbers) in try values(seed: 3, ["down_proj", "q_proj"]) { #expect(all[name] == numbers) }
    #expect(try values(seed: 4, ["q_proj"]).contains { $0.key.contains("lora_A") && all[$0.key] != $0.value })
  }

  @Test(arguments: [("adapter", 4, Float(8), false), ("rslora", 3, Float(5), true)])
  func mergedWeightsComputeWhatTheAdapterComputes(folder: String, rank: Int, alpha: Float, rslora: Bool) throws {
    let tiny = try TinyLlama("gqa")
    let model = try tiny.model()
    let targets: Set<String> = rslora ? ["q_proj", "v_proj"] : AdapterConfiguration.allMaps
    let adapter = AdapterConfiguration(rank: rank, alpha: alpha, targets: targets, usesRSLoRA: rslora)
    try model.attach(adapter, from: StoredWeights(fixture("Training/\(folder)/adapter_model.safetensors")))
    let merged = try LanguageModel(tiny.configuration, weights: Merged(model: model), compute: model.compute)

    let ids = try tiny.sequences()[3].ids
    let layout = SequenceLayout(lengths: [ids.count])
    let rows = Array(0..<Int32(ids.count))
    let adapted = try model.logits(ids: ids, layout: layout, rows: rows).values
    let plain = try tiny.model().logits(ids: ids, layout: layout, rows: rows).values
    #expect(largestDifference(adapted, plain) > 0.1)
    #expect(try largestDifference(merged.logits(ids: ids, layout: layout, rows: rows).values, adapted) < 2e-5)
  }

  @Test func whatDoesNotFitIsAnError() throws {
    let tiny = try TinyLlama("gqa")
    let stored = try StoredWeights(fixture("Training/rslora/adapter_model.safetensors"))
    let model = try tiny.model()
    #expect(throws: WeightError.self) { try model.attach(AdapterConfiguration(rank: 3), from: stored) }
    #expect(throws: WeightError.self) {
      try model.attach(AdapterConfiguration(rank: 4, targets: ["q_proj", "v_proj"]), from: stored)
    }
    #expect(throws: AdapterError.rank(0)) { try model.attach(AdapterConfiguration(rank: 0), seed: 0) }
    #expect(throws: AdapterError.dropout(1)) {
      try model.attach(AdapterConfiguration(rank: 2, dropout: 1), seed: 0)
    }
    #expect(throws: WeightError.unknown(name: "model.layers.0.nothing.weight")) {
      try model.mergedTensor(named: "model.layers.0.nothing.weight")
    }
    #expect(model.adapter == nil)
  }

  @Test func missingTensorsAreNamed() throws {
    let tiny = try TinyLlama("gqa")
    var configuration = tiny.configuration
    configuration.blocks.append(configuration.blocks[0])
    do {
      _ = try LanguageModel(configuration, weights: tiny.weights, compute: Compute(threads: 1))
      Issue.record("no error")
    } catch {
      #expect(diagnostics(of: error)[0].summary.hasSuffix("and 4 more"))
    }
    configuration = tiny.configuration
    configuration.blocks[1].feedForward.down.inputs = 71
    #expect(throws: WeightError.self) {
      try LanguageModel(configuration, weights: tiny.weights, compute: Compute(threads: 1))
    }
  }
}

/// The merged tensors of a model.
private struct Merged: WeightSource {
  let model: LanguageModel
  var origin: String { "merged" }
  func has(_ name: String) -> Bool { true }
  func tensor(named name: String, shape: [Int]) throws -> Tensor {
    try model.mergedTensor(named: name)
  }
}
