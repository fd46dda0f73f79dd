import Tensors

extension ModelConfiguration {
  /// The linear maps that a list of names means: `all_linear` (or PEFT's `all-linear`), short names, or names in a block.
  ///
  /// - Throws: ``AdapterError/unknownTarget(_:known:)`` for a name that no linear map has, ``AdapterError/noTargets`` for
  ///   an empty list.
  package func targets(named names: [String]) throws(AdapterError) -> Set<String> {
    let maps = maps
    var chosen: Set<String> = []
    for name in names {
      if name == "all_linear" || name == "all-linear" {
        chosen.formUnion(maps.map(\.shortName))
      } else if let map = maps.first(where: { $0.shortName == name || $0.name == name }) {
        chosen.insert(map.shortName)
      } else {
        throw .unknownTarget(name, known: maps.map(\.shortName))
      }
    }
    guard !chosen.isEmpty else { throw .noTargets }
    return Set(chosen.flatMap(targets))
  }

  /// What names the maps of a short name and nothing else: the name itself, or names in a block where modules that no adapter
  /// stands beside, such as experts, are called so too.
  private func targets(of shortName: String) -> [String] {
    let own = blocks.enumerated().flatMap { layer, block in
      block.maps.filter { $0.shortName == shortName }.map { (name: $0.name, module: moduleName($0.name, layer: layer)) }
    }
    let modules = Set(own.map(\.module))
    let isShared = tensors.contains { $0.module.hasSuffix("." + shortName) && !modules.contains($0.module) }
    return isShared ? Set(own.map(\.name)).sorted() : [shortName]
  }

  /// The linear maps that an adapter stands beside, block by block.
  package func adaptedMaps(_ adapter: AdapterConfiguration) -> [AdaptedMap] {
    guard type(of: adapter.method).standsBesideMaps else { return [] }
    return blocks.enumerated().flatMap { layer, block in
      block.maps.compactMap { map in
        let module = moduleName(map.name, layer: layer)
        guard adapter.selection.contains(module), !adapter.base.trains(module: module) else { return nil }
        return AdaptedMap(
          module: module, inputs: map.inputs, outputs: map.outputs, isTransposed: map.isTransposed)
      }
    }
  }

  /// The tensors of a PEFT folder for this model: those that maps share, those beside the maps, block by block, and those of
  /// the base that are trained as well.
  package func adapterTensors(_ adapter: AdapterConfiguration) -> [(name: String, shape: [Int])] {
    let maps = adaptedMaps(adapter)
    return adapter.sharedTensors(maps).filter(\.isStored).map { ($0.name, $0.shape) }
      + maps.flatMap { map in adapter.tensors(map).map { ($0.name, $0.shape) } }
      + promptTensors(adapter).map { ($0.name, $0.shape) } + [tokenTensor(adapter)].compactMap { $0 }
      + trainedTensors(adapter).map { ($0.name, $0.shape) }
  }

  /// How many numbers training with an adapter changes.
  package func trainedCount(_ adapter: AdapterConfiguration) -> Int {
    let maps = adaptedMaps(adapter)
    let tensors = adapter.sharedTensors(maps) + maps.flatMap { adapter.tensors($0) }
    return tensors.filter(\.isTrained).reduce(0) { $0 + $1.shape.reduce(1, *) }
      + Dictionary(trainedTensors(adapter).map { ($0.base, $0.shape) }) { first, _ in first }
      .values.reduce(0) { $0 + $1.reduce(1, *) } + adapter.base.tokens.count * hiddenSize
      + promptTensors(adapter).reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  /// The rows of the embedding that are trained beside an adapter.
  package func tokenTensor(_ adapter: AdapterConfiguration) -> (name: String, shape: [Int])? {
    guard !adapter.base.tokens.isEmpty else { return nil }
    let module = name(of: .embedding).split(separator: ".").dropLast().joined(separator: ".")
    return (
      AdaptedMap.prefix + module + ".token_adapter.trainable_tokens_delta", [adapter.base.tokens.count, hiddenSize]
    )
  }

  /// The tensors of the base that are trained beside an adapter.
  ///
  /// PEFT calls a module that it stands beside `base_layer`.
  package func trainedTensors(_ adapter: AdapterConfiguration) -> [TrainedTensor] {
    guard !adapter.base.modules.isEmpty || adapter.base.biases != .none else { return [] }
    let adapted = Set(adaptedMaps(adapter).map(\.module))
    let embedding = name(of: .embedding)
    var all = tensors.compactMap { tensor -> TrainedTensor? in
      let module = tensor.name.split(separator: ".").dropLast().joined(separator: ".")
      if adapter.base.trains(module: module) {
        return TrainedTensor(name: AdaptedMap.prefix + tensor.name, base: tensor.name, shape: tensor.shape)
      }
      guard tensor.role.kind == .bias, tensor.name.hasSuffix(".bias") else { return nil }
      let isAdapted = adapted.contains(module)
      switch adapter.base.biases {
      case .none: return nil
      case .adapted where !isAdapted: return nil
      case .adapted, .all:
        let name = isAdapted ? module + ".base_layer.bias" : tensor.name
        return TrainedTensor(name: AdaptedMap.prefix + name, base: tensor.name, shape: tensor.shape)
      }
    }
    // PEFT writes a head that is the embedding once more.
    if head.isTied, let tied = all.first(where: { $0.base == embedding }) {
      all.append(TrainedTensor(name: AdaptedMap.prefix + name(of: .head), base: embedding, shape: tied.shape))
    }
    return all
  }

  /// - Throws: ``AdapterError`` where an adapter cannot stand beside this model.
  package func validate(_ adapter: AdapterConfiguration) throws(AdapterError) {
    try adapter.validate()
    guard type(of: adapter.method).standsBesideMaps else { return try validatePrompt(adapter) }
    if let layer = adapter.selection.layers.first(where: { !blocks.indices.contains($0) }) {
      throw .layer(layer, blocks: blocks.count)
    }
    let maps = adaptedMaps(adapter)
    guard !maps.isEmpty else { throw .nothingMatches(adapter.selection.targets, known: self.maps.map(\.shortName)) }
    for map in maps { try adapter.method.validate(map) }
    if let token = adapter.base.tokens.first(where: { !(0..<vocabularySize).contains($0) }) {
      throw .option("train_tokens", wanted: "ids from 0 to \(vocabularySize - 1)", found: "\(token)")
    }
    if Set(adapter.base.tokens).count < adapter.base.tokens.count {
      throw .option("train_tokens", wanted: "a list of ids, each once", found: "\(adapter.base.tokens)")
    }
    if !adapter.base.tokens.isEmpty, trainedTensors(adapter).contains(where: { $0.base == name(of: .embedding) }) {
      throw .option("train_tokens", wanted: "an embedding that is not trained whole", found: "one that is")
    }
    let modules = Set(tensors.map { $0.name.split(separator: ".").dropLast().joined(separator: ".") })
    for name in adapter.base.modules {
      let own = BaseTraining(modules: [name])
      guard modules.contains(where: own.trains) else {
        throw .unknownModule(name, known: modules.filter { !$0.contains(where: \.isNumber) }.sorted())
      }
      for tensor in tensors where tensor.role.kind == .matrix && own.trains(module: tensor.module) {
        if case .block(let map, let layer) = tensor.role.place, !blocks[layer].maps.contains(where: { $0.name == map })
        {
          throw .untrainableModule(name)
        }
      }
    }
  }
}

extension TensorSpecification {
  /// The module that it belongs to, by Hugging Face's name.
  fileprivate var module: String { name.split(separator: ".").dropLast().joined(separator: ".") }
}

extension AdapterConfiguration {
  /// The tensors beside a map, by their whole names.
  package func tensors(_ map: AdaptedMap) -> [AdapterTensor] {
    method.tensors(of: map).map {
      AdapterTensor(map.name(of: $0.name), $0.shape, $0.kind, isTrained: $0.isTrained)
    }
  }

  /// The tensors that maps share, by their whole names.
  package func sharedTensors(_ maps: [AdaptedMap]) -> [AdapterTensor] {
    method.sharedTensors(of: maps).map {
      AdapterTensor(
        AdaptedMap.root + $0.name, $0.shape, $0.kind, isTrained: $0.isTrained, isStored: $0.isStored)
    }
  }

  /// The values of the tensors that maps share.
  ///
  /// - Parameter stored: Gives one that folders hold.
  /// - Throws: What `stored` throws.
  package func sharedParameters(
    _ maps: [AdaptedMap], stored: (AdapterTensor) throws -> Tensor
  ) rethrows -> [Parameter] {
    let tensors = sharedTensors(maps)
    let first = tensors.allSatisfy(\.isStored) ? [] : method.startShared(maps) { _ in CounterRandom(seed: 0) }
    return try tensors.enumerated().map { index, tensor in
      Parameter(
        name: tensor.name, value: tensor.isStored ? try stored(tensor) : first[index], kind: tensor.kind,
        isTrainable: tensor.isTrained)
    }
  }
}
