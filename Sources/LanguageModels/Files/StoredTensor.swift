import Tensors

/// Where a tensor stands in a file of another format than Hugging Face's, and how its elements lie there.
package struct StoredTensor: Sendable, Hashable {
  /// A tensor of the file, all of it or a part.
  package struct Source: Sendable, Hashable {
    package var name: String
    /// In the file, row-major.
    package var shape: [Int]
    /// Which of the parts along the slowest dimension is meant, such as an expert's; nil for all.
    package var part: Int?
    /// Whether the file has rows and columns exchanged, of each matrix where it has several.
    package var isTransposed: Bool

    package init(_ name: String, _ shape: [Int], part: Int? = nil, isTransposed: Bool = false) {
      self.name = name
      self.shape = shape
      self.part = part
      self.isTransposed = isTransposed
    }

    /// The shape of what is meant.
    fileprivate var partShape: [Int] { part == nil ? shape : [Int](shape.dropFirst()) }
  }

  /// How several tensors of the file make up one.
  package enum Joint: Sendable, Hashable {
    /// A row of each one after the other, each seen as a matrix of so many rows.
    case consecutive(rows: Int)
    /// Their elements in turn.
    case alternating
  }

  /// One, but where a joint says how several make up the tensor.
  package var sources: [Source]
  package var joint: Joint?
  package var order: HeadPermutation
  /// What the file's numbers have been raised by.
  package var offset: Float

  package init(_ sources: Source..., joint: Joint? = nil, order: HeadPermutation = .natural, offset: Float = 0) {
    self.sources = sources
    self.joint = joint
    self.order = order
    self.offset = offset
  }

  /// Its one source where the numbers lie there as they are wanted, whatever the order of rows.
  ///
  /// - Parameter transposed: Whether rows and columns of Hugging Face's shape are exchanged in what is wanted.
  package func matrix(transposed: Bool) -> Source? {
    guard sources.count == 1, offset == 0, sources[0].isTransposed == transposed else { return nil }
    return sources[0]
  }

  /// A tensor in Hugging Face's terms from the numbers of the file.
  ///
  /// - Parameters:
  ///   - shape: Hugging Face's.
  ///   - read: Reads what a source means.
  package func tensor(
    _ shape: [Int], read: (Source, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows -> Tensor {
    let parts = try sources.map { source in
      let stored = Tensor(uninitialized: source.partShape)
      try read(source, stored.buffer)
      order.restore(stored.buffer, columns: stored.columns)
      if offset != 0 { for index in 0..<stored.count { stored.pointer[index] -= offset } }
      return source.isTransposed ? stored.transposedMatrices() : stored
    }
    guard let joint else {
      // Ones in front of a shape are not in every file.
      return parts[0].shape == shape ? parts[0] : Tensor(shape: shape, values: parts[0].values)
    }
    let whole = Tensor(uninitialized: shape)
    joint.join(parts, into: whole)
    return whole
  }
}

extension StoredTensor.Joint {
  fileprivate func join(_ parts: [Tensor], into whole: Tensor) {
    switch self {
    case .consecutive(let rows):
      var target = whole.pointer
      for row in 0..<rows {
        for part in parts {
          let width = part.count / rows
          target.update(from: part.pointer + row * width, count: width)
          target += width
        }
      }
    case .alternating:
      for (number, part) in parts.enumerated() {
        for index in 0..<part.count { whole.pointer[index * parts.count + number] = part.pointer[index] }
      }
    }
  }
}

extension Tensor {
  /// Rows and columns exchanged, of each matrix where the last two of more dimensions are one.
  fileprivate func transposedMatrices() -> Tensor {
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    let result = Tensor(uninitialized: shape.dropLast(2) + [columns, rows])
    for start in stride(from: 0, to: count, by: max(1, rows * columns)) {
      for row in 0..<rows {
        for column in 0..<columns {
          result.pointer[start + column * rows + row] = pointer[start + row * columns + column]
        }
      }
    }
    return result
  }
}

extension ModelConfiguration {
  /// Where a GGUF file of this model holds a tensor.
  ///
  /// - Parameter has: Whether the file has a tensor; asked where files hold the same in two ways.
  /// - Returns: Nil for a family that has no GGUF architecture, and for a role that it does not have.
  package func gguf(_ tensor: TensorSpecification, has: (String) -> Bool = { _ in false }) -> StoredTensor? {
    guard let layout = family.type.gguf else { return nil }
    let role = tensor.role
    func place(_ module: String) -> StoredTensor {
      StoredTensor(StoredTensor.Source(role.suffix.isEmpty ? module : module + "." + role.suffix, tensor.shape))
    }
    var stored: StoredTensor
    switch role.place {
    case .embedding: stored = place(GGUFLayout.embedding)
    case .positions: stored = place(GGUFLayout.positions)
    case .embeddingNorm: stored = place(GGUFLayout.embeddingNorm)
    case .finalNorm: stored = place(GGUFLayout.finalNorm)
    case .head: stored = place(GGUFLayout.head)
    case .block(let name, let layer):
      guard blocks.indices.contains(layer) else { return nil }
      let block = blocks[layer]
      let prefix = "blk.\(layer)."
      if let found = block.experts?.gguf(tensor, module: name, prefix)
        ?? block.attention.splitUp(tensor, module: name, prefix, has)
      {
        return found
      }
      guard let module = layout.names[name] else { return nil }
      stored = place(prefix + module)
      stored.order = block.attention.order(of: name, layout)
      if role.suffix == "weight", block.maps.contains(where: { $0.name == name && $0.isTransposed }) {
        stored.sources[0].isTransposed = true
        stored.sources[0].shape.reverse()
      }
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

  /// The map of latent attention that files hold in two parts.
  ///
  /// Each has a matrix for each head, that of the keys transposed. Older files have it whole.
  fileprivate func splitUp(
    _ tensor: TensorSpecification, module: String, _ prefix: String, _ has: (String) -> Bool
  ) -> StoredTensor? {
    guard case .latent(let latent) = projections, latent.keyValueUp.name == module, tensor.role.suffix == "weight",
      !has(prefix + "attn_kv_b.weight")
    else { return nil }
    return StoredTensor(
      StoredTensor.Source(prefix + "attn_k_b.weight", [heads, latent.rank, latent.still], isTransposed: true),
      StoredTensor.Source(prefix + "attn_v_b.weight", [heads, valueDimension, latent.rank]),
      joint: .consecutive(rows: heads))
  }
}
