import Tensors

extension LanguageModel {
  /// The tensor of a role as it is to be written to a file: what training left, with the adapter's product added.
  ///
  /// W + scale · (B·A), in f32, the product summed over the rank in its order. The result may be the model's own tensor
  /// where nothing is added: do not write to it. Cost of a merged matrix: out · in · R multiply-adds and a copy.
  /// - Throws: ``WeightError/unknown(name:)`` for a role that the configuration does not have, ``WeightError/rounded(name:)``
  ///   for a frozen matrix of a class that rounds.
  package func mergedTensor(_ role: TensorRole) throws -> Tensor {
    func block(_ layer: Int) -> DecoderBlock? { blocks.indices.contains(layer) ? blocks[layer] : nil }
    func map(_ name: String, _ layer: Int) -> Linear? { block(layer)?.maps.first { $0.configuration.name == name } }
    switch role {
    case .embedding: return embedding.value
    case .finalNorm: return finalNorm.weight.value
    case .head where !configuration.tiesHead: return try plain(head, role)
    case .norm(let name, let layer):
      if let norm = block(layer)?.norms.first(where: { $0.configuration.name == name }) { return norm.weight.value }
    case .bias(let name, let layer):
      if let bias = map(name, layer)?.projection.bias { return bias.value }
    case .weight(let name, let layer):
      guard let projection = map(name, layer)?.projection else { break }
      let weight = try plain(projection.weight, role)
      return projection.adapter?.merged(into: weight, pool: compute.pool) ?? weight
    default: break
    }
    throw WeightError.unknown(name: configuration.name(of: role))
  }

  private func plain(_ weight: MatrixWeight, _ role: TensorRole) throws -> Tensor {
    guard let value = weight.value else { throw WeightError.rounded(name: configuration.name(of: role)) }
    return value
  }
}
