import Diagnostics
import Foundation
import LanguageModels
import PreciseJSON
import Tensors
import TestKit
import Testing

/// Every family and variant against what transformers and PEFT compute with the same tiny model.
@Suite("Families compute what transformers computes")
struct FamilyTests {
  /// Variants that are in the fixtures only to be refused, with what is said of them.
  static let refused = [
    "opt-350m": [
      "`do_layer_norm_before` is `false`, which is not supported",
      "`word_embed_proj_dim` is `24`, which is not supported",
    ]
  ]
  static let known = FamilyFixture.names.filter { name in
    let type = (try? FamilyFixture(name))?.values["config"]?["model_type"]?.string
    return ModelFamilies.modelTypes.contains(type ?? "")
  }
  static let names = known.filter { refused[$0] == nil }

  @Test func thereAreFixturesOfEveryFamily() throws {
    let found = Set(try Self.names.map { try FamilyFixture($0).configuration().family.name })
    #expect(Set(ModelFamilies.all.map { $0.name }).subtracting(found) == [])
  }

  @Test(arguments: known.filter { refused[$0] != nil })
  func whatIsNotComputedIsRefusedByName(name: String) throws {
    let error = #expect(throws: ModelConfigurationError.self) { try FamilyFixture(name).configuration() }
    #expect(error.map { diagnostics(of: $0).map(\.summary) } == Self.refused[name])
  }

  @Test(arguments: names)
  func theTensorsAreThoseOfTheFiles(name: String) throws {
    let fixture = try FamilyFixture(name)
    let weights = try FormulaWeights(fixture.values)
    let wanted = try fixture.configuration().tensors
    #expect(wanted.map(\.name).sorted() == weights.names)
    for tensor in wanted { #expect(weights.shape(tensor.name) == tensor.shape, "\(tensor.name)") }
  }

  @Test(arguments: names)
  func olderFilesAndOwnFilesSayTheSame(name: String) throws {
    let fixture = try FamilyFixture(name)
    let configuration = try fixture.configuration()
    if fixture.values["older_config"]?.isNull == false {
      #expect(try fixture.configuration("older_config") == configuration)
    }
    #expect(try ModelConfiguration(huggingFace: JSON(configuration.huggingFaceMembers)) == configuration)
  }

  @Test(arguments: names)
  func logits(name: String) throws {
    let fixture = try FamilyFixture(name)
    let model = try fixture.model()
    let sequences = try fixture.sequences()
    let layout = SequenceLayout(lengths: sequences.map(\.ids.count))
    let rows = try #require(fixture.values["logits"]?["rows"]?.array).map { row in
      Int32(layout.segments[row.array?[0].int ?? 0].start + (row.array?[1].int ?? 0))
    }
    let expected = try #require(fixture.values["logits"]?["values"]?.array).map { $0.array?.compactMap(\.double) ?? [] }
    let order = rows.indices.sorted { rows[$0] < rows[$1] }
    let found = try model.logits(
      ids: sequences.flatMap(\.ids), layout: layout, rows: order.map { rows[$0] })
    let difference = largestDifference(found.values, order.flatMap { expected[$0].map { Float($0) } })
    #expect(difference < 1e-4, "\(name): \(difference)")
  }

  @Test(arguments: names)
  func lossAndGradients(name: String) throws {
    let fixture = try FamilyFixture(name)
    let model = try fixture.model(trains: { _ in true })
    let sequences = try fixture.sequences()
    let loss = try LanguageModelsTests.lossAndGradients(model, [sequences])
    #expect(relativeError(loss, try #require(fixture.values["loss"]?.double)) < 1e-6, "\(name)")
    let norms = try #require(fixture.values["gradient_norms"]?.object)
    let found = try model.gradientNorms()
    for (key, value) in norms.members {
      let norm = try #require(found[key], "no gradient of \(key)")
      #expect(isNear(norm, value.double ?? .nan), "\(key): \(norm) for \(value.text())")
    }
    // Each row alone.
    let alone = try LanguageModelsTests.lossAndGradients(model, sequences.map { [$0] })
    #expect(relativeError(alone, loss) < 1e-6)
    for (key, norm) in try model.gradientNorms() { #expect(isNear(norm, found[key] ?? .nan), "\(key), alone") }
  }

  @Test(arguments: names)
  func adapters(name: String) throws {
    let fixture = try FamilyFixture(name)
    guard let adapter = fixture.adapter else { return }
    let model = try fixture.model()
    try model.attach(adapter, from: FormulaWeights(fixture.values))
    let sequences = try fixture.sequences()
    let loss = try LanguageModelsTests.lossAndGradients(model, [sequences])
    #expect(relativeError(loss, try #require(fixture.values["lora"]?["loss"]?.double)) < 1e-6, "\(name)")
    let norms = try #require(fixture.values["lora"]?["gradient_norms"]?.object)
    let found = try model.gradientNorms()
    #expect(found.keys.sorted() == norms.members.map(\.key).sorted())
    for (key, value) in norms.members {
      #expect(isNear(found[key] ?? .nan, value.double ?? .nan), "\(key): \(found[key] ?? .nan) for \(value.text())")
    }
    let merged = try fixture.model(MergedWeights(model: model))
    let mergedLoss = try LanguageModelsTests.lossAndGradients(merged, [sequences])
    #expect(relativeError(mergedLoss, loss) < 1e-5, "\(name), merged")
  }

  @Test(arguments: names)
  func greedyTokens(name: String) throws {
    let fixture = try FamilyFixture(name)
    let model = try fixture.model()
    let prompt = try #require(fixture.values["greedy"]?["prompt"]?.array).compactMap(\.int).map { Int32($0) }
    let expected = try #require(fixture.values["greedy"]?["tokens"]?.array).compactMap(\.int).map { Int32($0) }
    let cache = model.keyValueCache(capacity: prompt.count + expected.count)
    var (cached, uncached, next) = ([Int32](), [Int32](), prompt)
    for _ in expected {
      let logits = try model.nextLogits(next, cache: cache).values
      let token = Int32(logits.firstIndex(of: logits.max() ?? 0) ?? 0)
      cached.append(token)
      next = [token]
      let whole = prompt + uncached
      let again = try model.logits(
        ids: whole, layout: SequenceLayout(lengths: [whole.count]), rows: [Int32(whole.count - 1)]
      ).values
      #expect(largestDifference(again, logits) < 2e-5)
      uncached.append(Int32(again.firstIndex(of: again.max() ?? 0) ?? 0))
    }
    #expect(cached == expected, "\(name)")
    #expect(uncached == expected, "\(name), without a cache")
  }

  /// Sequences that are continued together, from prompts of different lengths and slots in any order, go on as each does
  /// alone.
  @Test(arguments: names)
  func sequencesTogether(name: String) throws {
    let fixture = try FamilyFixture(name)
    let model = try fixture.model()
    let prompt = try #require(fixture.values["greedy"]?["prompt"]?.array).compactMap(\.int).map { Int32($0) }
    let expected = try #require(fixture.values["greedy"]?["tokens"]?.array).compactMap(\.int).map { Int32($0) }
    let cache = model.keyValueCache(capacity: prompt.count + expected.count, slots: 4)
    _ = try model.nextLogits(prompt, cache: cache, slots: [2])
    _ = try model.nextLogits(Array(prompt.prefix(3)), cache: cache, slots: [1])
    cache.copy(2, to: [0])
    for (index, token) in expected.dropLast().enumerated() {
      let logits = try model.nextLogits([token, prompt[0], token], cache: cache, slots: [2, 1, 0])
      for row in [0, 2] {
        let scores = UnsafeBufferPointer(start: logits.pointer + row * logits.columns, count: logits.columns)
        #expect(scores.indices.max { scores[$0] < scores[$1] } == Int(expected[index + 1]), "\(name)")
      }
    }
    #expect(
      cache.counts == [prompt.count + expected.count - 1, 2 + expected.count, prompt.count + expected.count - 1, 0])
  }

  /// A question that three sequences share, one of them longer than windows.
  @Test(arguments: names)
  func sharedPrefixes(name: String) throws {
    let fixture = try FamilyFixture(name)
    let model = try fixture.model(trains: { _ in true })
    let question = (0..<17).map { Int32($0 * 7 % 40) }
    let sequences = [3..<18, 5..<9, 8..<20].map { (own: Range<Int32>) in
      LabelledSequence(
        ids: question + Array(own), lossMask: question.map { _ in false } + own.map { _ in true })
    }
    let alone = try LanguageModelsTests.lossAndGradients(model, sequences.map { [$0] })
    let norms = try model.gradientNorms()
    let shared = try LanguageModelsTests.lossAndGradients(model, [sequences])
    #expect(relativeError(shared, alone) < 1e-6, "\(name)")
    for (key, norm) in try model.gradientNorms() { #expect(isNear(norm, norms[key] ?? .nan), "\(key)") }
  }

  @Test(arguments: names)
  func balanceOfRouters(name: String) throws {
    let fixture = try FamilyFixture(name)
    guard let auxiliary = fixture.values["auxiliary"], let number = auxiliary["sequence"]?.int,
      let coefficient = auxiliary["coefficient"]?.double
    else { return }
    for recomputation in Recomputation.allCases {
      let model = try fixture.model(trains: { _ in true })
      model.recomputation = recomputation
      let sequence = try fixture.sequences()[number]
      let labels = (1..<sequence.ids.count).filter { sequence.lossMask[$0] }
      let balance = RouterBalance(coefficient: Float(coefficient))
      let tape = Tape(compute: model.compute, records: true, balance: balance)
      let scored = try tape.crossEntropy(
        model.hiddenStates(
          tape, ids: sequence.ids, layout: SequenceLayout(lengths: [sequence.ids.count]),
          rows: labels.map { Int32($0 - 1) }), head: model.head, targets: labels.map { sequence.ids[$0] },
        weights: [Float](repeating: 1 / Float(labels.count), count: labels.count))
      tape.backward(from: scored.loss)
      #expect(relativeError(balance.loss, try #require(auxiliary["loss"]?.double)) < 1e-5, "\(name)")
      let total = Double(scored.loss.value.pointer[0]) + coefficient * balance.loss
      #expect(relativeError(total, try #require(auxiliary["total"]?.double)) < 1e-6, "\(name)")
      let found = try model.gradientNorms()
      for (key, value) in fixture.values["auxiliary_gradient_norms"]?.object?.members ?? [] {
        #expect(isNear(found[key] ?? .nan, value.double ?? .nan), "\(key): \(found[key] ?? .nan) for \(value.text())")
      }
    }
  }

  @Test("gguf-py has the same names for what GGUF files hold", arguments: names)
  func ggufNames(name: String) throws {
    let fixture = try FamilyFixture(name)
    let configuration = try fixture.configuration()
    guard let layout = configuration.family.type.gguf, let gguf = fixture.values["gguf"],
      gguf["architecture"]?.string == layout.architecture
    else { return }
    for tensor in configuration.tensors {
      guard let expected = gguf["names"]?[tensor.name]?.string else { continue }
      // The table knows the map that newer files hold in two parts as a whole, and has no suffix where we have none.
      let stored = configuration.gguf(tensor) { $0.hasSuffix("attn_kv_b.weight") }
      let found = stored?.sources.map(\.name)
      #expect(found == [expected] || found == [expected + ".weight"], "\(tensor.name)")
    }
  }

  /// Within 1e-3 of each other, or both nothing.
  private func isNear(_ found: Double, _ expected: Double) -> Bool {
    relativeError(found, expected) < 1e-3 || max(abs(found), abs(expected)) < 1e-6
  }
}

extension LanguageModel {
  /// The Euclidean norms of all gradients, by the names of the parameters.
  fileprivate func gradientNorms() throws -> [String: Double] {
    var norms: [String: Double] = [:]
    for parameter in trainableParameters {
      // Parts of a tensor that holds several are named `tensor[number].part`.
      let name = String(parameter.name.prefix { $0 != "[" })
      norms[name, default: 0] += parameter.gradient?.values.reduce(0) { $0 + Double($1) * Double($1) } ?? 0
    }
    return norms.mapValues { $0.squareRoot() }
  }
}

/// The tensors of a model with its adapter merged.
private struct MergedWeights: WeightSource {
  let model: LanguageModel
  var origin: String { "merged" }
  func has(_ name: String) -> Bool { true }
  func tensor(named name: String, shape: [Int]) throws -> Tensor { try model.mergedTensor(named: name) }
}
