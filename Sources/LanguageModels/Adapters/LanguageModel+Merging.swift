import Tensors

extension LanguageModel {
  /// A tensor as it is to be written to a Hugging Face file: what training left, with the adapter's product added.
  ///
  /// As ``MapAdapter/merged(into:pool:)`` makes it, in f32. The result may be the model's own tensor
  /// where nothing is added: do not write to it. Cost of a merged matrix: out · in · R multiply-adds and a copy.
  /// - Parameter name: Its name in Hugging Face's files.
  /// - Throws: ``WeightError/unknown(name:)`` for a tensor that the configuration does not have,
  ///   ``WeightError/rounded(name:)`` for a frozen matrix of a class that rounds.
  package func mergedTensor(named name: String) throws -> Tensor {
    guard let stored = storedTensors[name] else { throw WeightError.unknown(name: name) }
    switch stored {
    case .parameter(let parameter): return parameter.value
    case .bias(let layer, let index):
      let map = blocks[layer].maps[index]
      guard let bias = map.projection.bias?.value else { throw WeightError.unknown(name: name) }
      return map.adapter?.merged(bias: bias) ?? bias
    case .head: return try plain(head.weight, name)
    case .table(let weight): return weight.numbers(compute)
    case .expert(let make):
      guard let tensor = make() else { throw WeightError.rounded(name: name) }
      return tensor
    case .map(let layer, let index):
      let map = blocks[layer].maps[index]
      let weight = try plain(map.projection.weight, name)
      let merged = map.adapter?.merged(into: weight, pool: compute.pool) ?? weight
      return map.configuration.isTransposed ? merged.transposed() : merged
    }
  }

  /// A tensor of the base as it stands, an adapter beside it or not.
  ///
  /// - Throws: As ``mergedTensor(named:)``.
  func baseTensor(named name: String) throws -> Tensor {
    guard let stored = storedTensors[name] else { throw WeightError.unknown(name: name) }
    switch stored {
    case .bias(let layer, let index):
      guard let bias = blocks[layer].maps[index].projection.bias else { throw WeightError.unknown(name: name) }
      return bias.value
    case .map(let layer, let index):
      let map = blocks[layer].maps[index]
      let weight = try plain(map.projection.weight, name)
      return map.configuration.isTransposed ? weight.transposed() : weight
    case .parameter, .head, .table, .expert: return try mergedTensor(named: name)
    }
  }

  /// What stands behind a tensor of a file.
  enum Stored {
    case parameter(Parameter)
    /// A linear map of a block, by its place among those of the block.
    case map(layer: Int, index: Int)
    /// The bias of a linear map of a block.
    case bias(layer: Int, index: Int)
    case head
    /// A table that stays as it is stored.
    case table(any StoredWeight)
    /// A tensor of experts, and what makes it.
    case expert(() -> Tensor?)
  }

  /// What stands behind each tensor, by its name in Hugging Face's files.
  func makeStoredTensors() -> [String: Stored] {
    var all: [String: Stored] = [:]
    for parameter in parameters { all[parameter.name] = .parameter(parameter) }
    for (role, weight) in embedding.storedTables { all[configuration.name(of: role)] = .table(weight) }
    for (layer, block) in blocks.enumerated() {
      for (role, make) in block.storedExperts(layer: layer) { all[configuration.name(of: role)] = .expert(make) }
      for (index, map) in block.maps.enumerated() {
        all[configuration.name(of: .weight(map.configuration.name, layer: layer))] = .map(layer: layer, index: index)
        guard map.configuration.hasBias else { continue }
        all[configuration.name(of: .bias(map.configuration.name, layer: layer))] = .bias(layer: layer, index: index)
      }
    }
    if !configuration.head.isTied { all[configuration.name(of: .head)] = .head }
    return all
  }

  private func plain(_ weight: MatrixWeight, _ name: String) throws -> Tensor {
    guard let value = weight.value else { throw WeightError.rounded(name: name) }
    return value
  }
}
