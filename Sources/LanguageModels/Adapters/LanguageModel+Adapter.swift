import Tensors

extension LanguageModel {
  /// Puts a fresh adapter beside the targeted linear maps and freezes everything else.
  ///
  /// The random numbers of each tensor depend on the seed and its own name alone.
  /// - Parameter findings: What was found out about a map, for methods that start from it.
  /// - Throws: ``AdapterError``, and ``WeightError/rounded(name:)`` where a method starts from weights of which only
  ///   roundings are kept.
  package func attach(
    _ adapter: AdapterConfiguration, seed: UInt64,
    findings: @escaping (AdaptedMap) throws -> MapFindings? = { _ in nil }
  ) throws {
    let start = AdapterStartValues(
      adapter, of: configuration, seed: seed, weight: weight(of:), findings: findings,
      rows: { [self] in try baseTensor(named: configuration.name(of: .embedding)) })
    var settled = adapter
    settled.method = adapter.method.settled
    try attach(settled) { name, _ in try start.tensor(named: name) }
  }

  /// Puts an adapter with the values of `weights` (PEFT's names) beside the targeted linear maps and freezes everything
  /// else.
  ///
  /// - Throws: ``AdapterError``, ``WeightError``, and what the source throws.
  package func attach(_ adapter: AdapterConfiguration, from weights: any WeightSource) throws {
    let missing = configuration.adapterTensors(adapter).map(\.name).filter { !weights.has($0) }
    guard missing.isEmpty else { throw WeightError.missing(missing, origin: weights.origin) }
    try attach(adapter) { name, shape in
      let value = try weights.tensor(named: name, shape: shape)
      guard value.shape == shape else {
        throw WeightError.shape(name: name, wanted: shape, found: value.shape, origin: weights.origin)
      }
      return value
    }
  }

  /// The adapter's own parameters: those that maps share, then those beside each map, block by block.
  package var adapterParameters: [Parameter] {
    sharedAdapterParameters + blocks.flatMap { $0.maps.flatMap(\.adapterParameters) }
      + (prompt?.parameters ?? []) + [trainedTokens?.rows].compactMap { $0 }
  }

  /// The tensors of the adapter as they stand, those of the base that are trained among them, by PEFT's names.
  ///
  /// - Throws: ``WeightError/rounded(name:)``.
  package func adapterTensor(named name: String) throws -> Tensor? {
    if let own = adapterParameters.first(where: { $0.name == name }) { return own.value }
    guard let adapter, let trained = configuration.trainedTensors(adapter).first(where: { $0.name == name }) else {
      return nil
    }
    return try baseTensor(named: trained.base)
  }

  /// The weight of a map as it was read.
  private func weight(of map: AdaptedMap) throws -> Tensor {
    for (layer, block) in blocks.enumerated() {
      for own in block.maps where configuration.moduleName(own.configuration.name, layer: layer) == map.module {
        guard let value = own.projection.weight.value else { throw WeightError.rounded(name: map.module) }
        return value
      }
    }
    throw WeightError.unknown(name: map.module)
  }

  private func attach(_ adapter: AdapterConfiguration, value: (String, [Int]) throws -> Tensor) throws {
    guard self.adapter == nil else { throw AdapterError.alreadyAttached }
    try configuration.validate(adapter)
    let tokens = configuration.tokenTensor(adapter)
    let trained =
      configuration.trainedTensors(adapter).map(\.base)
      + (tokens.map { _ in [configuration.name(of: .embedding)] } ?? [])
    guard trained.isEmpty || loadedBeside == adapter else { throw AdapterError.notLoadedBeside(trained.first ?? "") }
    let maps = configuration.adaptedMaps(adapter)
    func parameter(_ tensor: AdapterTensor) throws -> Parameter {
      Parameter(
        name: tensor.name, value: try value(tensor.name, tensor.shape), kind: tensor.kind, isTrainable: tensor.isTrained
      )
    }
    let shared = try adapter.sharedParameters(maps) { try value($0.name, $0.shape) }
    let byModule = Dictionary(maps.map { ($0.module, $0) }) { first, _ in first }
    var adapted = blocks
    for layer in adapted.indices {
      try adapted[layer].updateMaps { map in
        guard let place = byModule[configuration.moduleName(map.configuration.name, layer: layer)] else { return }
        try map.attach(
          adapter.method.adapter(place, adapter.tensors(place).map(parameter), shared: shared))
      }
    }
    let kept = Set(trained)
    for parameter in parameters { parameter.isTrainable = parameter.isTrainable && kept.contains(parameter.name) }
    if let tokens {
      let rows = try parameter(AdapterTensor(tokens.name, tokens.shape, .embedding))
      guard let table = embedding.table.parameter else { throw AdapterError.notLoadedBeside(tokens.name) }
      trainedTokens = TrainedTokens(rows: rows, places: adapter.base.tokens, table: table)
      Tape(compute: compute, records: false).exchange(rows, adapter.base.tokens, with: table)
    }
    if let method = adapter.method as? any PromptMethod {
      prompt = LearnedPrompt(
        vocabulary: configuration.vocabularySize, count: method.virtualTokens,
        standsInLayers: type(of: method).standsInLayers, encoder: method.encoder(for: configuration),
        parameters: try configuration.promptTensors(adapter).map(parameter))
    }
    blocks = adapted
    sharedAdapterParameters = shared
    self.adapter = adapter
  }
}

/// The first values of a fresh adapter, made when they are asked for.
package final class AdapterStartValues {
  private let adapter: AdapterConfiguration
  private let maps: [AdaptedMap]
  private let seed: UInt64
  private let weight: (AdaptedMap) throws -> Tensor
  private let rows: () throws -> Tensor
  private let findings: (AdaptedMap) throws -> MapFindings?
  private let tokens: (name: String, places: [Int])?
  private let places: [String: AdaptedMap]
  private let model: ModelConfiguration
  /// Those of the map that was asked for last: tensors of a map are asked for one after the other.
  private var last: (module: String, values: [String: Tensor])?
  private lazy var shared = makeShared()
  private lazy var prompt = Result { try makePrompt() }

  /// - Parameters:
  ///   - weight: Reads the weight [out, in] of a map; asked by methods that start from it alone.
  ///   - findings: What was found out about a map, for methods that start from it.
  ///   - rows: Reads the embedding; asked where some of its rows are trained, or learned tokens start as such.
  package init(
    _ adapter: AdapterConfiguration, of model: ModelConfiguration, seed: UInt64,
    weight: @escaping (AdaptedMap) throws -> Tensor,
    findings: @escaping (AdaptedMap) throws -> MapFindings? = { _ in nil }, rows: @escaping () throws -> Tensor
  ) {
    self.rows = rows
    self.findings = findings
    tokens = model.tokenTensor(adapter).map { ($0.name, adapter.base.tokens) }
    self.model = model
    self.adapter = adapter
    self.seed = seed
    self.weight = weight
    maps = model.adaptedMaps(adapter)
    var places: [String: AdaptedMap] = [:]
    for map in maps { for tensor in adapter.tensors(map) { places[tensor.name] = map } }
    self.places = places
  }

  /// - Throws: What reading a weight throws, ``WeightError/unknown(name:)`` for a name that the adapter does not have.
  package func tensor(named name: String) throws -> Tensor {
    if let map = places[name] {
      if last?.module != map.module { last = (map.module, try values(of: map)) }
      if let value = last?.values[name] { return value }
    }
    if let tokens, name == tokens.name {
      let table = try rows()
      let picked = Tensor(uninitialized: [tokens.places.count, table.columns])
      onElements {
        for (index, place) in tokens.places.enumerated() {
          (picked.pointer + index * table.columns).update(
            from: table.pointer + place * table.columns, count: table.columns)
        }
      }
      return picked
    }
    if let value = try prompt.get()[name] { return value }
    guard let value = shared[name] else { throw WeightError.unknown(name: name) }
    return value
  }

  private func values(of map: AdaptedMap) throws -> [String: Tensor] {
    let names = adapter.tensors(map).map(\.name)
    let (random, weight) = ({ self.random(names[$0]) }, { try self.weight(map) })
    let values =
      try findings(map).map { try adapter.method.start(map, from: $0, random: random, weight: weight) }
      ?? adapter.method.start(map, random: random, weight: weight)
    return Dictionary(zip(names, values)) { first, _ in first }
  }

  private func makeShared() -> [String: Tensor] {
    let names = adapter.sharedTensors(maps).map(\.name)
    return Dictionary(zip(names, adapter.method.startShared(maps) { self.random(names[$0]) })) { first, _ in first }
  }

  private func makePrompt() throws -> [String: Tensor] {
    guard let method = adapter.method as? any PromptMethod else { return [:] }
    guard let encoder = method.encoder(for: model) else {
      return [
        promptTensor: try method.start(width: model.width(of: method), random: random(promptTensor), rows: rows)
      ]
    }
    return Dictionary(zip(encoder.tensors.map(\.name), encoder.start(random))) { first, _ in first }
  }

  private func random(_ name: String) -> CounterRandom {
    CounterRandom(key: RandomKey(seed: seed).child(stableHash(name)))
  }
}

/// FNV-1a of the name's UTF-8 bytes: the same on every machine and in every process, unlike `Hasher`.
func stableHash(_ name: String) -> UInt64 {
  name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}
