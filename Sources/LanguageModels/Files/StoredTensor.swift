import Tensors

/// Where a tensor stands in a file of another format than Hugging Face's, and how its elements lie there.
package struct StoredTensor: Sendable, Hashable {
  package var name: String
  package var order: HeadPermutation
  /// What the file's numbers have been raised by.
  package var offset: Float
  /// Whether the file has rows and columns exchanged.
  package var isTransposed: Bool

  package init(name: String, order: HeadPermutation = .natural, offset: Float = 0, isTransposed: Bool = false) {
    self.name = name
    self.order = order
    self.offset = offset
    self.isTransposed = isTransposed
  }

  /// A tensor in Hugging Face's terms from the numbers of the file.
  ///
  /// - Parameter shape: Hugging Face's.
  package func tensor(_ shape: [Int], read: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows -> Tensor {
    let stored = Tensor(uninitialized: isTransposed ? [Int](shape.reversed()) : shape)
    try read(stored.buffer)
    order.restore(stored.buffer, columns: stored.columns)
    if offset != 0 { for index in 0..<stored.count { stored.pointer[index] -= offset } }
    return isTransposed ? stored.transposed() : stored
  }
}

extension ModelConfiguration {
  /// Where a GGUF file of this model holds a tensor.
  ///
  /// - Returns: Nil for a family that has no GGUF architecture, and for a role that it does not have.
  package func gguf(_ role: TensorRole) -> StoredTensor? {
    guard let layout = family.type.gguf else { return nil }
    let module: String?
    switch role.place {
    case .embedding: module = GGUFLayout.embedding
    case .positions: module = GGUFLayout.positions
    case .embeddingNorm: module = GGUFLayout.embeddingNorm
    case .finalNorm: module = GGUFLayout.finalNorm
    case .head: module = GGUFLayout.head
    case .block(let name, let layer): module = layout.names[name].map { "blk.\(layer).\($0)" }
    }
    guard let module else { return nil }
    var stored = StoredTensor(name: role.suffix.isEmpty ? module : module + "." + role.suffix)
    if case .block(let name, let layer) = role.place, blocks.indices.contains(layer) {
      stored.order = blocks[layer].attention.order(of: name, layout)
      stored.isTransposed =
        role.suffix == "weight" && blocks[layer].maps.contains { $0.name == name && $0.isTransposed }
    }
    if role.kind == .norm { stored.offset = layout.normOffset }
    return stored
  }
}

extension AttentionConfiguration {
  /// The order of the rows of queries and keys, which converters change for llama.cpp's rotary operation, and of a fused
  /// map that is in groups here.
  fileprivate func order(of map: String, _ layout: GGUFLayout) -> HeadPermutation {
    switch projections {
    case .separate(let query, let key, _):
      if !layout.interleavesHeads { return .natural }
      return map == query.name
        ? .interleaved(heads: heads) : map == key.name ? .interleaved(heads: keyValueHeads) : .natural
    case .fused(let fused, .grouped) where fused.name == map:
      return .consecutive(keyValueHeads: keyValueHeads, group: heads / keyValueHeads)
    case .fused, .latent: return .natural
    }
  }
}
