/// Where a tensor stands in a file of another format than Hugging Face's, and how its elements lie there.
package struct StoredTensor: Sendable, Hashable {
  package var name: String
  package var order: HeadPermutation

  package init(name: String, order: HeadPermutation = .natural) {
    self.name = name
    self.order = order
  }
}

extension ModelConfiguration {
  /// Where a GGUF file of this model holds a tensor.
  ///
  /// - Returns: Nil for a family that has no GGUF architecture, and for a role that it does not have.
  package func gguf(_ role: TensorRole) -> StoredTensor? {
    guard let layout = family.type.gguf else { return nil }
    func inBlock(_ name: String, _ layer: Int, _ suffix: String) -> String? {
      layout.names[name].map { "blk.\(layer).\($0).\(suffix)" }
    }
    let name: String?
    switch role {
    case .embedding: name = GGUFLayout.embedding
    case .finalNorm: name = GGUFLayout.finalNorm
    case .head: name = GGUFLayout.head
    case .norm(let norm, let layer): name = inBlock(norm, layer, "weight")
    case .weight(let map, let layer): name = inBlock(map, layer, "weight")
    case .bias(let map, let layer): name = inBlock(map, layer, "bias")
    }
    return name.map { StoredTensor(name: $0, order: layout.interleavesHeads ? order(of: role) : .natural) }
  }

  /// The order of rows where query and key are stored for llama.cpp's first rotary operation.
  private func order(of role: TensorRole) -> HeadPermutation {
    guard case .weight(let map, let layer) = role.asWeight, blocks.indices.contains(layer) else { return .natural }
    let attention = blocks[layer].attention
    return map == attention.query.name
      ? .interleaved(heads: attention.heads)
      : map == attention.key.name ? .interleaved(heads: attention.keyValueHeads) : .natural
  }
}

extension TensorRole {
  /// The weight that a bias belongs to; anything else is itself.
  fileprivate var asWeight: TensorRole {
    if case .bias(let map, let layer) = self { return .weight(map, layer: layer) }
    return self
  }
}
