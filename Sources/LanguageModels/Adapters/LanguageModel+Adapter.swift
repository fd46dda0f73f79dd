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
    for index in 0..<tensor.count { tensor.pointer[index] = (2 * random.uniform() - 1) * bound }
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
  package var adapterParameters: [Parameter] {
    layers.flatMap { $0.projections.compactMap(\.adapter).flatMap { [$0.a, $0.b] } }
  }

  private static let suffixA = ".lora_A.weight"
  private static let suffixB = ".lora_B.weight"

  /// PEFT's names of an adapter's two matrices.
  package static func adapterNames(_ kind: ProjectionKind, layer: Int) -> (a: String, b: String) {
    let module = "base_model.model.model.layers.\(layer).\(kind.moduleName)"
    return (module + suffixA, module + suffixB)
  }

  /// Hugging Face's name of the linear map that a tensor of an adapter stands beside.
  static func module(ofAdapterTensor name: String) -> String {
    let prefix = "base_model.model."
    let module = name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
    return String(module.hasSuffix(suffixA) || module.hasSuffix(suffixB) ? module.dropLast(suffixA.utf8.count) : module)
  }

  private func attach(_ adapter: AdapterConfiguration, value: (String, [Int]) throws -> Tensor) throws {
    guard self.adapter == nil else { throw AdapterError.alreadyAttached }
    try adapter.validate()
    var adapted = layers
    for layer in layers.indices {
      for kind in ProjectionKind.allCases where adapter.targets.contains(kind) {
        let old = layers[layer].projection(kind)
        let names = Self.adapterNames(kind, layer: layer)
        let shape = configuration.shape(of: kind)
        let pair = try LowRankAdapter(
          a: Parameter(name: names.a, value: value(names.a, [adapter.rank, shape[1]]), isTrainable: true),
          b: Parameter(name: names.b, value: value(names.b, [shape[0], adapter.rank]), isTrainable: true),
          scale: adapter.scale, dropout: adapter.dropout,
          dropoutStream: stableHash(names.a))
        adapted[layer].projections[kind.rawValue] = try Projection(weight: old.weight, bias: old.bias, adapter: pair)
      }
    }
    for parameter in parameters { parameter.isTrainable = false }
    layers = adapted
    self.adapter = adapter
  }
}

extension ModelConfiguration {
  /// The tensors of a PEFT folder for this model: names and shapes, block by block, A before B.
  package func adapterTensors(_ adapter: AdapterConfiguration) -> [(name: String, shape: [Int])] {
    var all: [(name: String, shape: [Int])] = []
    for layer in 0..<layerCount {
      for kind in ProjectionKind.allCases where adapter.targets.contains(kind) {
        let shape = shape(of: kind)
        let names = LanguageModel.adapterNames(kind, layer: layer)
        all.append((names.a, [adapter.rank, shape[1]]))
        all.append((names.b, [shape[0], adapter.rank]))
      }
    }
    return all
  }
}

/// FNV-1a of the name's UTF-8 bytes: the same on every machine and in every process, unlike `Hasher`.
func stableHash(_ name: String) -> UInt64 {
  name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}
