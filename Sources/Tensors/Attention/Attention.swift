extension Tape {
  /// Causal attention inside each sequence of a packed batch, with rotary positions and grouped heads; tokens that
  /// sequences share are computed once.
  ///
  /// Never holds more of the scores than one tile a thread. Saves o and H·T log-sums for the backward pass.
  /// - `q`: [T, H·D], before rotary positions.
  /// - `k`: [T, K·D], before rotary positions.
  /// - `v`: [T, K·D].
  /// - `heads`: H, a multiple of `keyValueHeads`.
  /// - `rotary`: nil for a model without rotary positions.
  /// - `scale`: multiplies q·k, 1/√D in most models.
  /// - Result: [T, H·D].
  /// - Throws: ``TensorError/positionBeyondTable(position:maximum:)``.
  package func attention(
    q: Variable, k: Variable, v: Variable, layout: SequenceLayout, heads: Int, keyValueHeads: Int, headDimension: Int,
    rotary: RotaryTable?, scale: Float
  ) throws -> Variable {
    let tokens = layout.tokenCount
    precondition(q.stored.shape == [tokens, heads * headDimension], "q has shape \(q.stored.shape)")
    precondition(k.stored.shape == [tokens, keyValueHeads * headDimension], "k has shape \(k.stored.shape)")
    precondition(v.stored.shape == k.stored.shape, "v has shape \(v.stored.shape)")
    try checkPosition(layout.longest - 1, rotary)
    let compute = compute
    let tiles = AttentionTiles(
      heads: heads, keyValueHeads: keyValueHeads, headDimension: headDimension, rotary: rotary, scale: scale, compute)
    let rotated = tiles.rotatedKeys(k.value, positions: layout.positions, compute)
    let o = Variable(
      Tensor(uninitialized: q.value.shape), needsGradient: q.needsGradient || k.needsGradient || v.needsGradient)
    let trace = AttentionTrace(
      q: q.value, k: rotated, v: v.value, o: o.value, logSums: Tensor(uninitialized: [heads, tokens]),
      layout: layout)
    tiles.forward(
      q: q.value, k: rotated, v: v.value, o: o.value, logSums: trace.logSums, maskBlocks: layout.maskBlocks,
      positions: layout.positions, compute)
    if let node = o.node {
      record { [rows, q = q.node, k = k.node, v = v.node] in
        guard let dO = node.takeAll(rows) else { return }
        let targets = [q, k, v].map { $0?.target(rows) }
        rows.run()
        let whole = targets.map { $0.map { (target: $0.array.tensor, accumulates: $0.accumulates) } }
        AttentionGradient.run(tiles, trace, dO: dO, dq: whole[0], dk: whole[1], dv: whole[2], rows.compute)
      }
    }
    return o
  }

  /// Attention of new tokens over all that `cache` holds and themselves; inference only.
  ///
  /// Stores the keys and values of the new tokens behind the `cache.count` tokens of the layer. Call
  /// ``KeyValueCache/advance(by:)`` once after the last layer.
  /// - `q`: [T, H·D] of T new tokens, before rotary positions.
  /// - `k`: [T, K·D], before rotary positions.
  /// - `v`: [T, K·D].
  /// - Throws: ``TensorError/cacheFull(wanted:capacity:)``, ``TensorError/positionBeyondTable(position:maximum:)``.
  package func attention(
    q: Variable, k: Variable, v: Variable, cache: KeyValueCache, layer: Int, heads: Int, rotary: RotaryTable?,
    scale: Float
  ) throws -> Variable {
    precondition(!records, "A key-value cache has no backward pass")
    let tokens = q.value.rows
    let width = cache.keyValueHeads * cache.headDimension
    precondition(q.value.shape == [tokens, heads * cache.headDimension], "q has shape \(q.value.shape)")
    precondition(k.value.shape == [tokens, width] && v.value.shape == k.value.shape, "k has shape \(k.value.shape)")
    guard cache.count + tokens <= cache.capacity else {
      throw TensorError.cacheFull(wanted: cache.count + tokens, capacity: cache.capacity)
    }
    try checkPosition(cache.count + tokens - 1, rotary)
    let tiles = AttentionTiles(
      heads: heads, keyValueHeads: cache.keyValueHeads, headDimension: cache.headDimension, rotary: rotary,
      scale: scale, compute)
    let positions = (0..<tokens).map { Int32(cache.count + $0) }
    tiles.rotateKeys(
      k.value, into: cache.keys[layer].pointer + cache.count * width, positions: positions, compute)
    (cache.values[layer].pointer + cache.count * width).update(from: v.value.pointer, count: v.value.count)
    let o = Variable(Tensor(uninitialized: q.value.shape))
    let maskBlock = MaskBlock(
      queryStart: 0, queryCount: tokens, keyStart: 0, keyCount: cache.count + tokens, offset: cache.count)
    tiles.forward(
      q: q.value, k: cache.keys[layer], v: cache.values[layer], o: o.value,
      logSums: Tensor(uninitialized: [heads, tokens]), maskBlocks: [[maskBlock]], positions: positions, compute)
    return o
  }

  private func checkPosition(_ position: Int, _ rotary: RotaryTable?) throws {
    if let rotary, position >= rotary.maximumPosition {
      throw TensorError.positionBeyondTable(position: position, maximum: rotary.maximumPosition)
    }
  }
}
