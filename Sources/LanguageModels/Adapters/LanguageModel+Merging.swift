import Tensors

extension LanguageModel {
  /// The tensor of a role as it is to be written to a file: what training left, with the adapter's product added.
  ///
  /// W + scale · (B·A), in f32, the product summed over the rank in its order. The result may be the model's own tensor
  /// where nothing is added: do not write to it. Cost of a merged matrix: out · in · R multiply-adds and a copy.
  /// - Throws: ``WeightError/unknown(name:)`` for a role that the configuration does not have, ``WeightError/rounded(name:)``
  ///   for a frozen matrix of a class that rounds.
  package func mergedTensor(_ role: TensorRole) throws -> Tensor {
    switch role {
    case .embedding: return embedding.value
    case .finalNorm: return finalNorm.value
    case .head where !configuration.tiesHead: return try plain(head, role)
    case .norm(let kind, let layer) where layers.indices.contains(layer): return layers[layer].norm(kind).value
    case .bias(let kind, let layer) where layers.indices.contains(layer):
      if let bias = layers[layer].projection(kind).bias { return bias.value }
    case .weight(let kind, let layer) where layers.indices.contains(layer):
      let projection = layers[layer].projection(kind)
      let weight = try plain(projection.weight, role)
      return projection.adapter?.merged(into: weight, pool: compute.pool) ?? weight
    default: break
    }
    throw WeightError.unknown(name: role.name)
  }

  private func plain(_ weight: MatrixWeight, _ role: TensorRole) throws -> Tensor {
    guard let value = weight.value else { throw WeightError.rounded(name: role.name) }
    return value
  }

  /// ``mergedTensor(_:)`` by Hugging Face's name.
  package func mergedWeight(_ name: String) throws -> Tensor {
    guard let tensor = configuration.tensors.first(where: { $0.name == name }) else {
      throw WeightError.unknown(name: name)
    }
    return try mergedTensor(tensor.role)
  }
}
