import Diagnostics
import Foundation
import LanguageModels
import ModelFolders
import PreciseJSON
import TensorFiles
import Tensors
import TestKit
import Testing

/// What PEFT 0.18.1 computes with each method and option, from `scripts/reference/peft_methods`.
@Suite("Methods of adapters equal PEFT's")
struct PEFTMethodTests {
  static let computed = [
    "lora", "lora-tied", "lora-rslora", "lora-patterns", "lora-exclude", "lora-exclude-regex", "lora-layers",
    "lora-layers-one", "lora-regex", "lora-modules-to-save", "lora-modules-to-save-tied-ensured", "lora-bias-all",
    "lora-tokens", "lora-tokens-tied", "lora-gaussian", "lora-orthogonal", "lora-not-zero", "dora", "dora-biased",
    "ia3", "ia3-default", "ia3-biased",
    "oft", "oft-biased", "oft-terms-2", "oft-terms-3", "oft-terms-4", "oft-terms-7", "oft-exact", "oft-rank",
    "oft-adjusted", "oft-shared",
    "loha", "loha-patterns", "loha-not-zero",
    "lokr", "lokr-whole", "lokr-both", "lokr-factor", "lokr-factor-odd", "lokr-lycoris",
    "vera", "vera-all", "vera-seeded",
    "hra", "hra-odd", "hra-biased",
    "boft", "boft-butterflies", "boft-butterflies-3",
    "miss", "miss-odd",
    "road", "road-biased", "road-2", "road-4",
    "c3a", "c3a-biased",
    "adalora", "adalora-each", "eva", "eva-redistributed", "corda-ipm", "corda-kpm", "lora-ga", "loftq",
    "loftq-iterated",
    "prompt", "prompt-tied", "prompt-vocabulary", "prefix", "p-tuning-mlp", "p-tuning-lstm", "prefix-projected",
  ]

  /// Whether tokens stand before every text, which no weights do.
  private static func isPrompt(_ name: String) -> Bool { name.hasPrefix("p-") || name.hasPrefix("pr") }

  /// What is refused, and the option that is named.
  static let notComputed = [
    ("lora-modules-to-save-tied", "ensure_weight_tying"),
    ("lora-tokens-named", "trainable_token_indices"),
    ("lora-bias-only", "base_layer.bias"), ("lora-lora-bias", "lora_bias"), ("lora-embedding", "embed_tokens"),
    ("dora-embedding", "lora_embedding"), ("oft-constrained", "coft"), ("oft-constrained-shared", "coft"),
    ("miss-bat", "init_weights"),
    ("c3a-patterns", "block_size_pattern"),
    ("boft-biased", "base_layer.bias"), ("pissa", "init_lora_weights"),
    ("norms", "peft_type"), ("norms-default", "peft_type"),
    ("pissa-patterns", "init_lora_weights"), ("pissa-rslora", "init_lora_weights"), ("olora", "init_lora_weights"),
    ("olora-biased", "init_lora_weights"),
  ]

  @Test("every fixture is computed or refused")
  func allOfThem() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: fixture("PEFTMethods"))
    let names = files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
    // What several adapters become, what tells layers apart, and one with numbers that are none.
    let others = ["merging", "spectrum", "hra-gram-schmidt"]
    #expect(Set(names) == Set(Self.computed + Self.notComputed.map(\.0) + others))
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func adapter(_ fixture: PEFTFixture) throws -> AdapterFolder {
    try fixture.write(to: folder.path("adapter"))
    return try AdapterFolder(path: folder.path("adapter"))
  }

  private func model(
    _ fixture: PEFTFixture, _ adapter: AdapterFolder, threads: Int = 1, computeClass: ComputeClass = .f32
  ) throws -> LanguageModel {
    let configuration = try fixture.configuration()
    let model = try LanguageModel(
      configuration, weights: adapter.weights(beside: fixture.baseWeights(), of: configuration),
      compute: Compute(threads: threads, computeClass: computeClass), beside: adapter.configuration)
    try adapter.attach(to: model)
    return model
  }

  private func difference(_ found: [[Float]], _ expected: [[Float]]) -> Float {
    guard found.count == expected.count, !expected.isEmpty else { return .infinity }
    return zip(found, expected).map { largestDifference($0, $1) }.max() ?? .infinity
  }

  @Test("logits beside the weights and merged, trained numbers", arguments: computed)
  func logits(name: String) throws {
    let fixture = try PEFTFixture(name)
    let adapter = try adapter(fixture)
    let model = try model(fixture, adapter)
    let found = try fixture.logits(of: model)
    #expect(difference(found, fixture.logits()) < 1e-4)
    #expect(model.trainableParameters.reduce(0) { $0 + $1.value.count } == fixture.values["trainable"]?.int)
    #expect(try fixture.configuration().trainedCount(adapter.configuration) == fixture.values["trainable"]?.int)
    if Self.isPrompt(name) { return }
    let merged = try LanguageModel(
      fixture.configuration(), weights: TrainedWeights(model, origin: "merged"), compute: model.compute)
    #expect(difference(try fixture.logits(of: merged), found) < 1e-4)
  }

  @Test("loss and gradients", arguments: computed)
  func gradients(name: String) throws {
    let fixture = try PEFTFixture(name)
    let model = try model(fixture, adapter(fixture))
    let sequences = try fixture.sequences()
    let batch = PackedBatch(sequences)
    for recomputation in Recomputation.allCases {
      model.recomputation = recomputation
      for parameter in model.parameters { parameter.clearGradient() }
      let tape = Tape(compute: model.compute, records: true)
      let scored = try tape.crossEntropy(
        model.hiddenStates(tape, batch), head: model.head, targets: batch.targets,
        weights: [Float](repeating: 1 / Float(batch.labelCount), count: batch.labelCount))
      tape.backward(from: scored.loss)
      let loss = try #require(fixture.values["loss"]?.double)
      #expect(relativeError(Double(scored.loss.value.values[0]), loss) < 1e-5)
      let expected = try #require(fixture.values["gradients"]?.object)
      for parameter in model.trainableParameters {
        let name = expected[parameter.name] == nil ? peftName(parameter.name, expected) : parameter.name
        let wanted = try #require(expected[name], "\(parameter.name)")
        let gradient = try #require(parameter.gradient?.values, "\(parameter.name)")
        let norm = try #require(wanted["norm"]?.double)
        let own = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(own - norm) <= 1e-4 * norm + 1e-9, "\(recomputation) \(name): \(own) \(norm)")
        for (place, value) in zip(wanted["at"]?.array ?? [], wanted["values"]?.array ?? []) {
          let (index, value) = (try #require(place.int), try #require(value.double))
          #expect(
            abs(Double(gradient[index]) - value) <= 3e-4 * norm / Double(gradient.count).squareRoot() + 1e-4
              * abs(value), "\(name)[\(index)]")
        }
      }
      #expect(model.trainableParameters.count == expected.count)
    }
  }

  /// PEFT's name of a tensor of the base.
  private func peftName(_ name: String, _ expected: JSONObject) -> String {
    if name == "prompt_embeddings" { return "prompt_encoder.embedding.weight" }
    let plain = "base_model.model." + name
    return expected[plain] == nil ? plain.replacing(".bias", with: ".base_layer.bias") : plain
  }

  @Test("a folder is written with PEFT's names, shapes and options, and reads back the same", arguments: computed)
  func writing(name: String) throws {
    let fixture = try PEFTFixture(name)
    let adapter = try adapter(fixture)
    let model = try model(fixture, adapter)
    try AdapterWriter(baseModel: "base", tokenizer: nil, card: nil).write(model, to: folder.path("out"))
    let written = try AdapterFolder(path: folder.path("out"))
    // The tokens stand there in place of what made them.
    var expected = adapter.configuration
    if let method = expected.method as? any PromptMethod { expected.method = method.made }
    #expect(written.configuration == expected)
    let file = try SafetensorsFile(path: folder.path("out/adapter_model.safetensors"))
    var saved: [String: [Int]] = [:]
    for tensor in fixture.values["saved"]?.array ?? [] {
      saved[tensor["name"]?.string ?? ""] = tensor["shape"]?.array?.compactMap(\.int)
    }
    #expect(Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) }) == saved)
    let options = try readJSON(folder.path("out/adapter_config.json"))
    for (key, value) in options.object?.members ?? [] where !["base_model_name_or_path", "total_step"].contains(key) {
      let own = fixture.values["adapter_config"]?[key]
      if let list = value.array?.compactMap(\.string), !list.isEmpty {
        #expect(Set(list) == Set(own?.array?.compactMap(\.string) ?? [own?.string ?? ""]), "\(key)")
      } else if key == "prompt_tuning_init" {
        #expect(value == "RANDOM")
      } else if key == "prefix_projection" {
        #expect(value == false)
      } else if key == "init_lora_weights" || key == "init_weights", own?.bool == false {
        #expect(value.bool == true)
      } else if let number = value.double {
        #expect(own?.double == number, "\(key)")
      } else {
        #expect(
          own == value || own == .array([0]) && value == .array([0]) || own?.int == value.array?.first?.int, "\(key)")
      }
    }
    #expect(try difference(fixture.logits(of: self.model(fixture, written)), fixture.logits(of: model)) == 0)
    for tensor in Self.isPrompt(name) ? fixture.values["saved"]?.array ?? [] : [] {
      guard let places = tensor["at"]?.array?.compactMap(\.int) else { continue }
      let own = try written.tensor(
        named: tensor["name"]?.string ?? "", shape: tensor["shape"]?.array?.compactMap(\.int) ?? [])
      let values = (tensor["values"]?.array ?? []).compactMap { $0.double.map { Float($0) } }
      #expect(largestDifference(places.map { own.pointer[$0] }, values) < 1e-5)
    }
  }

  @Test(
    "a fresh adapter starts as PEFT's: where it starts with one number, and with the base's output", arguments: computed
  )
  func fresh(name: String) throws {
    let fixture = try PEFTFixture(name)
    var configuration = try adapter(fixture).configuration
    let model = try LanguageModel(
      fixture.configuration(), weights: fixture.baseWeights(), compute: Compute(threads: 1), beside: configuration)
    // PEFT's `false` is not zero; here there is no such start.
    let startsAnywhere = name.hasSuffix("-not-zero") || Self.isPrompt(name)
    if name == "hra-odd" { configuration.method = HRA(rank: 3) }
    let before = try fixture.logits(
      of: LanguageModel(
        fixture.configuration(), weights: fixture.baseWeights(), compute: Compute(threads: 1)))
    try model.attach(configuration, seed: 5)
    let found = difference(try fixture.logits(of: model), before)
    let largest = fixture.values["fresh"]?["largest_logit_difference_from_base"]?.double ?? 0
    if !startsAnywhere, largest < 1e-3 { #expect(found < 2e-5, "\(found)") }
    for parameter in model.adapterParameters where !startsAnywhere {
      let start = fixture.values["fresh"]?["tensors"]?[parameter.name]
      if let constant = start?["constant"]?.double {
        #expect(parameter.value.values.allSatisfy { $0 == Float(constant) }, "\(parameter.name)")
      } else if parameter.value.count >= 64, let deviation = start?["drawn"]?["deviation"]?.double {
        let values = parameter.value.values.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let own = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        #expect(abs(own / deviation - 1) < 0.45, "\(parameter.name): \(own), \(deviation)")
      }
    }
  }

  @Test("what is not computed is refused by name", arguments: notComputed)
  func refusal(name: String, option: String) throws {
    let fixture = try PEFTFixture(name)
    do {
      try adapter(fixture).check(against: fixture.configuration())
      Issue.record("not refused")
    } catch {
      #expect(diagnostics(of: error).rendered().contains(option), "\(diagnostics(of: error).rendered())")
    }
  }

  @Test("the outline of an adapter fits its model", arguments: computed)
  func outline(name: String) throws {
    let fixture = try PEFTFixture(name)
    let outline = try AdapterOutline(adapter(fixture))
    #expect(try outline.mismatch(with: fixture.configuration()) == nil)
    #expect(AdapterOutline(json: outline.json) == outline)
  }

  @Test(
    "every class of arithmetic computes every method",
    arguments: [
      "prompt", "prefix", "p-tuning-mlp", "p-tuning-lstm", "prefix-projected",
      "lora", "dora", "dora-biased", "ia3-biased", "oft", "loha", "lokr", "vera", "hra", "boft", "miss", "road", "c3a",
      "lora-tokens-tied",
      "lora-modules-to-save",
    ])
  func classes(name: String) throws {
    let fixture = try PEFTFixture(name)
    let adapter = try adapter(fixture)
    for computeClass in ComputeClass.available(try KernelSet.chosenByEnvironment()) {
      let model = try model(fixture, adapter, computeClass: computeClass)
      let found = difference(try fixture.logits(of: model), fixture.logits())
      #expect(found < (computeClass == .f32 ? 1e-4 : 0.25), "\(computeClass): \(found)")
    }
  }

  @Test(
    "the same bits with any number of threads",
    arguments: [
      "prompt", "prefix", "p-tuning-lstm", "prefix-projected", "dora", "ia3", "oft", "loha", "lokr", "vera", "hra",
      "boft", "miss", "road", "c3a",
    ])
  func threads(name: String) throws {
    let fixture = try PEFTFixture(name)
    let adapter = try adapter(fixture)
    let one = try fixture.logits(of: model(fixture, adapter))
    for threads in 2...3 { #expect(try fixture.logits(of: model(fixture, adapter, threads: threads)) == one) }
  }
}
