import Tensors

extension LanguageModel {
  /// Puts a fresh adapter beside the targeted linear maps and freezes everything else.
  ///
  /// As PEFT starts it: A from Kaiming's uniform distribution with a = √5, which is ±1/√in, B zero. The numbers of each A
  /// depend on the seed and its own name alone.
  /// - Throws: ``AdapterError``.
  package func attach(_ adapter: AdapterConfiguration, seed: UInt64) throws {
    try attach(adapter) { name, shape in Self.freshAdapterTensor(name, shape, seed: seed) }
  }

  /// A matrix of a fresh adapter, by PEFT's name: what ``attach(_:seed:)`` starts with, of no model but its shape.
  package static func freshAdapterTensor(_ name: String, _ shape: [Int], seed: UInt64) -> Tensor {
    let tensor = Tensor(shape: shape)
    guard name.hasSuffix(suffixA) else { return tensor }
    let bound = Float(1 / Double(shape[1]).squareRoot())
    var random = CounterRandom(key: RandomKey(seed: seed).child(stableHash(name)))
    onElements {
      for index in 0..<tensor.count { tensor.pointer[index] = (2 * random.uniform() - 1) * bound }
    }
    return tensor
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

  /// The adapter's parameters in the order of ``ModelConfiguration/adapterTensors(_:)``.
  package var adapterParameters: [Parameter] { blocks.flatMap { $0.maps.flatMap(\.adapterParameters) } }

  private static let suffixA = ".lora_A.weight"
  private static let suffixB = ".lora_B.weight"
  private static let prefix = "base_model.model."

  /// PEFT's names of an adapter's two matrices.
  ///
  /// - Parameter module: Hugging Face's name of the linear map, such as `model.layers.0.self_attn.q_proj`.
  package static func adapterNames(_ module: String) -> (a: String, b: String) {
    (prefix + module + suffixA, prefix + module + suffixB)
  }

  /// Hugging Face's name of the linear map that a tensor of an adapter stands beside.
  package static func module(ofAdapterTensor name: String) -> String {
    let module = name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
    return String(module.hasSuffix(suffixA) || module.hasSuffix(suffixB) ? module.dropLast(suffixA.utf8.count) : module)
  }

  private func attach(_ adapter: AdapterConfiguration, value: (String, [Int]) throws -> Tensor) throws {
    guard self.adapter == nil else { throw AdapterError.alreadyAttached }
    try adapter.validate()
    var adapted = blocks
    for layer in adapted.indices {
      try adapted[layer].updateMaps { map in
        guard adapter.adapts(map.configuration) else { return }
        let names = Self.adapterNames(configuration.moduleName(map.configuration.name, layer: layer))
        let old = map.projection
        let pair = try LowRankAdapter(
          a: Parameter(
            name: names.a, value: value(names.a, [adapter.rank, map.configuration.inputs]), isTrainable: true),
          b: Parameter(
            name: names.b, value: value(names.b, [map.configuration.outputs, adapter.rank]), isTrainable: true),
          scale: adapter.scale, dropout: adapter.dropout, dropoutStream: stableHash(names.a))
        map.projection = try Projection(weight: old.weight, bias: old.bias, adapter: pair)
      }
    }
    for parameter in parameters { parameter.isTrainable = false }
    blocks = adapted
    self.adapter = adapter
  }
}

extension ModelConfiguration {
  /// The tensors of a PEFT folder for this model: names and shapes, block by block, A before B.
  package func adapterTensors(_ adapter: AdapterConfiguration) -> [(name: String, shape: [Int])] {
    var all: [(name: String, shape: [Int])] = []
    for (layer, block) in blocks.enumerated() {
      for map in block.maps where adapter.adapts(map) {
        let names = LanguageModel.adapterNames(moduleName(map.name, layer: layer))
        all.append((names.a, [adapter.rank, map.inputs]))
        all.append((names.b, [map.outputs, adapter.rank]))
      }
    }
    return all
  }
}

/// FNV-1a of the name's UTF-8 bytes: the same on every machine and in every process, unlike `Hasher`.
func stableHash(_ name: String) -> UInt64 {
  name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}
