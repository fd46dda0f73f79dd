import LanguageModels
import ModelFolders
import PreciseJSON
import Tensors
import TestKit
import Testing

/// Starts of LoRA from what a model makes of texts, and from what a base lost, by `scripts/reference/peft_methods`.
@Suite("Starts that look at texts equal PEFT's")
struct PEFTSurveyTests {
  private struct Case {
    let fixture: PEFTFixture
    let configuration: ModelConfiguration
    let lora: LoRA
    let adapter: AdapterConfiguration
    let maps: [AdaptedMap]

    init(_ name: String, _ start: LoRA.Start) throws {
      fixture = try PEFTFixture(name)
      configuration = try fixture.configuration()
      let options = try #require(fixture.values["adapter_config"])
      lora = LoRA(
        rank: try #require(options["r"]?.int), alpha: options["lora_alpha"]?.double.map { Float($0) }, start: start)
      adapter = AdapterConfiguration(
        AdapterSelection(.list(Set(options["target_modules"]?.array?.compactMap(\.string) ?? []))), lora)
      maps = configuration.adaptedMaps(adapter)
    }

    func model() throws -> LanguageModel {
      try LanguageModel(configuration, weights: fixture.baseWeights(), compute: Compute(threads: 1))
    }

    /// The weight of a map.
    func weight(_ map: AdaptedMap) throws -> Tensor {
      try fixture.baseWeights().tensor(named: map.module + ".weight", shape: [map.outputs, map.inputs])
    }

    /// What is found out about what maps read, in batches of some tokens, by the maps' names.
    func triples(
      _ kind: InputSurvey.Kind, _ sequences: [LabelledSequence], count: Int, tokens: Int = 20
    ) throws -> [String: SingularTriples] {
      let survey = try InputSurvey(
        model(), kind, texts: sequences.map { ($0.ids, $0.ids.map { _ in true }) }, tokenBudget: tokens, watch: {})
      var all: [String: SingularTriples] = [:]
      for layer in configuration.blocks.indices {
        let prefix = configuration.moduleName("", layer: layer)
        let own = maps.map(\.module).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        let found = try survey.findings(of: layer, maps: own, count: count) { name in
          try weight(try #require(maps.first { $0.module == prefix + name }))
        }
        for (name, triples) in found { all[prefix + name] = triples }
      }
      return all
    }

    /// The start and six steps from it.
    func check(
      _ adapter: AdapterConfiguration? = nil, tolerance: Double = 3e-4,
      _ findings: @escaping (AdaptedMap) throws -> MapFindings?
    ) throws {
      let model = try model()
      let plain = try fixture.logits(of: model)
      try model.attach(adapter ?? self.adapter, seed: 3, findings: findings)
      let start = try #require(fixture.values["start"])
      let values = Dictionary(uniqueKeysWithValues: model.adapterParameters.map { ($0.name, $0.value) })
      let described = try #require(start["maps"]?.object)
      #expect(described.members.count == values.count / (lora.start.takesFromWeight ? 4 : 2))
      for (module, map) in described.members {
        let a = try #require(values["base_model.model.\(module).lora_A.weight"])
        let b = try #require(values["base_model.model.\(module).lora_B.weight"])
        #expect(a.rows == map["rank"]?.int)
        let norm = try #require(map["product"]?["norm"]?.double)
        for (place, value) in zip(map["product"]?["at"]?.array ?? [], map["product"]?["values"]?.array ?? []) {
          let (row, column) = ((place.int ?? 0) / a.columns, (place.int ?? 0) % a.columns)
          let own = (0..<a.rows).reduce(0.0) {
            $0 + Double(b.values[row * a.rows + $1]) * Double(a.values[$1 * a.columns + column])
          }
          #expect(abs(own - (value.double ?? 0)) <= 3e-4 * norm, "\(module)")
        }
        for (r, length) in (map["row_norms_a"]?.array ?? []).enumerated() {
          let own = a.values[r * a.columns..<(r + 1) * a.columns].reduce(0.0) { $0 + Double($1) * Double($1) }
            .squareRoot()
          #expect(relativeError(own, length.double ?? 0) < 5e-4, "\(module) row \(r)")
        }
      }
      if lora.start != .loftq {
        for (one, other) in try zip(fixture.logits(of: model), plain) { #expect(largestDifference(one, other) < 2e-5) }
      }
      let expected = try #require(start["losses"]?.array).compactMap(\.double)
      let found = try TrainedByHand.losses(fixture, model)
      #expect(found.count == expected.count)
      for (one, other) in zip(found, expected) {
        #expect(relativeError(one, other) < tolerance, "\(found) \(expected)")
      }
    }
  }

  @Test("EVA: the directions in which inputs vary most", arguments: [16, 1000])
  func eva(tokens: Int) throws {
    let test = try Case("eva", .eva)
    let one = try test.fixture.sequences()[3]
    let found = try test.triples(.variance, [one, one], count: 8, tokens: tokens)
    let (method, modules) = test.lora.redistributed(test.maps, most: 1) { found[$0.module]?.values ?? [] }
    #expect(method == test.lora && modules == test.maps.map(\.module))
    // PEFT takes as few directions from a randomised decomposition, which is near and not exact.
    try test.check(tolerance: 2e-3) { found[$0.module].map { .inputs($0) } }
  }

  @Test("EVA gives ranks to those whose inputs they explain most of")
  func redistributed() throws {
    let test = try Case("eva-redistributed", .eva)
    let found = try test.triples(.variance, [test.fixture.sequences()[3]], count: 8)
    let (method, modules) = test.lora.redistributed(test.maps, most: 2) { found[$0.module]?.values ?? [] }
    let wanted = try #require(test.fixture.values["start_config"])
    let ranks = method.rankPattern.sorted { $0.pattern < $1.pattern }.map { "\($0.pattern) \($0.value)" }
    #expect(ranks == (wanted["rank_pattern"]?.object?.members ?? []).map { "\($0.key) \($0.value.int ?? 0)" }.sorted())
    let alphas = method.alphaPattern.sorted { $0.pattern < $1.pattern }.map { "\($0.pattern) \(Double($0.value))" }
    #expect(
      alphas == (wanted["alpha_pattern"]?.object?.members ?? []).map { "\($0.key) \($0.value.double ?? 0)" }.sorted())
    #expect(Set(modules) == Set(wanted["target_modules"]?.array?.compactMap(\.string) ?? []))
    var adapter = test.adapter
    adapter.method = method
    try test.check(adapter) { found[$0.module].map { .inputs($0) } }
  }

  @Test("maps that get no rank have no adapter, and scales stay")
  func withoutRank() {
    let maps = ["a", "b", "c"].map { AdaptedMap(module: "model.layers.0.\($0)", inputs: 8, outputs: 8) }
    let shares = ["model.layers.0.a": [0.5, 0.4, 0.01], "model.layers.0.b": [0.3, 0.2, 0.15, 0.1, 0.05]]
    let lora = LoRA(rank: 2, alpha: 4, usesRSLoRA: true)
    let (method, modules) = lora.redistributed(maps, most: 2) { shares[$0.module] ?? [0.001] }
    #expect(modules == ["model.layers.0.a", "model.layers.0.b"])
    #expect(method.rank(of: maps[0]) == 2 && method.rank(of: maps[1]) == 4)
    for map in maps.prefix(2) { #expect(abs(method.scale(of: map) - lora.scale(of: map)) < 1e-6) }
  }

  @Test("CorDA: what matters most to texts, and least", arguments: ["corda-ipm", "corda-kpm"], [17, 1000])
  func corda(name: String, tokens: Int) throws {
    let test = try Case(name, .corda)
    let end = name == "corda-ipm" ? SingularTriples.End.largest : .smallest
    let found = try test.triples(.weighted(end), test.fixture.sequences(), count: 5, tokens: tokens)
    try test.check { map in
      found[map.module].map { .weighted(end == .largest ? $0 : $0.suffix(test.lora.rank(of: map))) }
    }
  }

  @Test("LoRA-GA: the directions of the gradient", arguments: [17, 1000])
  func gradients(tokens: Int) throws {
    let test = try Case("lora-ga", .loraGA)
    let model = try LanguageModel(
      test.configuration, weights: test.fixture.baseWeights(), compute: Compute(threads: 1)
    ) {
      $0.hasSuffix("_proj.weight")
    }
    try model.addGradients(of: test.fixture.sequences(), tokenBudget: tokens, watch: {})
    var found: [String: SingularTriples] = [:]
    for map in test.maps {
      let gradient = try #require(model.parameters.first { $0.name == map.module + ".weight" }?.gradient)
      let sample = try #require(test.fixture.values["base_gradients"]?[map.module])
      found[map.module] = SingularTriples(
        of: gradient.values.map(Double.init), rows: gradient.rows, columns: gradient.columns, count: 7)
      for (own, wanted) in zip(found[map.module]?.values ?? [], sample["singular_values"]?.array ?? []) {
        #expect(relativeError(own, wanted.double ?? 0) < 1e-4)
      }
    }
    // The signs of a pair of vectors are anybody's, and B's come from other pairs than A's: here those of the reference.
    for map in test.maps {
      let sample = try #require(test.fixture.values["start"]?["maps"]?[map.module]?["product"])
      let size = Double(map.outputs).squareRoot() / 16
      found[map.module] = try #require(found[map.module]).signed(like: sample, map, size: size)
    }
    try test.check { found[$0.module].map { .gradient($0, gamma: 16) } }
  }

  @Test("LoftQ: the largest part of what a base lost")
  func loftq() throws {
    let test = try Case("loftq", .loftq)
    let code = try #require(readJSON(fixture("Quantization/nf4.json"))["code"]?.array).compactMap(\.double)
    // PEFT's base: 4 bits without the second quantisation, each number to the nearest of 16 in blocks of 64.
    func lost(_ weight: Tensor) -> Tensor {
      let lost = Tensor(shape: weight.shape)
      for start in stride(from: 0, to: weight.count, by: 64) {
        let range = start..<min(weight.count, start + 64)
        let most = range.reduce(Float(0)) { max($0, abs(weight.values[$1])) }
        for index in range {
          let value = Double(weight.pointer[index] / most)
          let nearest = code.min { abs($0 - value) < abs($1 - value) } ?? 0
          lost.pointer[index] = weight.pointer[index] - Float(nearest) * most
        }
      }
      return lost
    }
    let rounded = try LanguageModel(
      test.configuration, weights: Rounded(base: test.fixture.baseWeights(), maps: test.maps, lost: lost),
      compute: Compute(threads: 1))
    try rounded.attach(test.adapter, seed: 3) { map in .lost(lost(try test.weight(map))) }
    let start = try #require(test.fixture.values["start"])
    for parameter in rounded.adapterParameters where parameter.name.hasSuffix("lora_A.weight") {
      let module = parameter.name.dropFirst(17).dropLast(14)
      for (r, length) in (start["maps"]?[String(module)]?["row_norms_a"]?.array ?? []).enumerated() {
        let row = parameter.value.values[r * parameter.value.columns..<(r + 1) * parameter.value.columns]
        #expect(relativeError(row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot(), length.double ?? 0) < 1e-4)
      }
    }
    let expected = try #require(start["losses"]?.array).compactMap(\.double)
    for (one, other) in zip(try TrainedByHand.losses(test.fixture, rounded), expected) {
      #expect(relativeError(one, other) < 1e-4)
    }
    // A scale is divided out, which PEFT forgets.
    var doubled = test.adapter
    doubled.method = LoRA(rank: 3, alpha: 6, start: .loftq)
    let again = try LanguageModel(
      test.configuration, weights: Rounded(base: test.fixture.baseWeights(), maps: test.maps, lost: lost),
      compute: Compute(threads: 1))
    try again.attach(doubled, seed: 3) { map in .lost(lost(try test.weight(map))) }
    #expect(relativeError(try TrainedByHand.losses(test.fixture, again, steps: 0)[0], expected[0]) < 1e-5)
  }

  @Test("what the base did not lose leaves LoRA as it begins by itself, and the base of nf4 is what its weights say")
  func lostNothing() throws {
    let test = try Case("loftq", .loftq)
    let compute = try Compute(threads: 1)
    let map = try #require(test.configuration.blocks.first?.maps.first)
    let weight = patternedTensor("w", shape: [map.outputs, map.inputs], amplitude: 1)
    #expect(try PrecisionPlan().lost(weight, of: map, compute) == nil)
    #expect(try PrecisionPlan(maps: .stored).lost(weight, of: map, compute) == nil)
    let lost = try #require(try PrecisionPlan(maps: .nf4).lost(weight, of: map, compute))
    let held = NF4Weight(rounding: weight, compute).numbers(compute)
    #expect(lost.values == zip(weight.values, held.values).map { $0 - $1 })
    let model = try test.model()
    try model.attach(test.adapter, seed: 3) { _ in .lost(nil) }
    for parameter in model.adapterParameters {
      #expect(parameter.value.values.allSatisfy { $0 == 0 } == parameter.name.hasSuffix("lora_B.weight"))
    }
  }

  @Test("a start that wants more than the weights is refused without it")
  func nothingFound() throws {
    for start in [LoRA.Start.eva, .corda, .loraGA, .loftq] {
      let test = try Case("eva", start)
      #expect(throws: AdapterError.nothingFound(start.rawValue)) { try test.model().attach(test.adapter, seed: 1) }
    }
  }
}

extension SingularTriples {
  /// The same with other signs of the second three vectors on the left, so that their product with the first three on the
  /// right is what a sample says.
  fileprivate func signed(like sample: JSON, _ map: AdaptedMap, size: Double) -> SingularTriples {
    func product(_ signs: [Double]) -> SingularTriples {
      var other = self
      for r in 0..<3 {
        for index in (3 + r) * map.outputs..<(4 + r) * map.outputs { other.left[index] *= signs[r] }
      }
      return other
    }
    func error(_ triples: SingularTriples) -> Double {
      zip(sample["at"]?.array ?? [], sample["values"]?.array ?? []).reduce(0) { sum, pair in
        let (row, column) = ((pair.0.int ?? 0) / map.inputs, (pair.0.int ?? 0) % map.inputs)
        let own = (0..<3).reduce(0.0) {
          $0 + size * triples.left[(3 + $1) * map.outputs + row] * triples.right[$1 * map.inputs + column]
        }
        return sum + abs(own - (pair.1.double ?? 0))
      }
    }
    let all = (0..<8).map { bits in product((0..<3).map { bits >> $0 & 1 == 0 ? 1 : -1 }) }
    return all.min { error($0) < error($1) } ?? self
  }
}

/// A base some of whose weights are less than they were.
private struct Rounded: WeightSource {
  let base: FormulaWeights
  let maps: [AdaptedMap]
  let lost: (Tensor) -> Tensor

  var origin: String { base.origin }
  func has(_ name: String) -> Bool { base.has(name) }

  func tensor(named name: String, shape: [Int]) throws -> Tensor {
    let tensor = try base.tensor(named: name, shape: shape)
    guard maps.contains(where: { $0.module + ".weight" == name }) else { return tensor }
    let lost = lost(tensor)
    return Tensor(shape: shape, values: zip(tensor.values, lost.values).map { $0 - $1 })
  }
}
