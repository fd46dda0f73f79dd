/// What the tokens of a forward pass see.
package enum AttentionContext {
  /// Those before them in their sequences, which are all there.
  case packed(SequenceLayout)
  /// Those that a slot of a cache holds and those before them, as many new ones for each of some slots, slot after slot;
  /// inference only.
  case cached(KeyValueCache, slots: [Int] = [0])
}

extension Tape {
  /// Causal attention with grouped heads: of packed sequences, where tokens that sequences share are computed once, or
  /// of new tokens over all that a cache holds and themselves.
  ///
  /// Never holds more of the scores than one tile a thread. Saves o and H·T log-sums for the backward pass. A cache takes
  /// the keys and values of the new tokens behind those that it has; call ``KeyValueCache/advance(by:slots:)`` once after the
  /// last layer.
  /// - Parameters:
  ///   - input: Before rotary positions.
  ///   - sinks: [H], for each head a score that takes its share of the probability and adds nothing (arXiv:2309.17453).
  ///   - layer: Which layer of a cache.
  /// - Returns: [T, H·Dv].
  /// - Throws: ``TensorError/positionBeyondTable(position:maximum:)``, ``TensorError/cacheFull(wanted:capacity:)``.
  package func attention(
    _ input: AttentionInput, _ shape: AttentionShape, sinks: Parameter? = nil, in context: AttentionContext,
    layer: Int = 0
  ) throws -> Variable {
    switch context {
    case .packed(let layout): try attention(input, shape, sinks: sinks, layout: layout)
    case .cached(let cache, let slots):
      try attention(input, shape, sinks: sinks, cache: cache, slots: slots, layer: layer)
    }
  }

  private func attention(
    _ input: AttentionInput, _ shape: AttentionShape, sinks: Parameter?, layout: SequenceLayout
  ) throws -> Variable {
    let tokens = layout.tokenCount
    input.check(shape, tokens: tokens)
    try checkPosition(layout.longest - 1, shape.rotary)
    let compute = compute
    let tiles = AttentionTiles(shape, compute)
    let nodes = [input.queries, input.keys, input.values].map { ($0.variable.node, $0.place) }
    let trained = sinks.flatMap { wantsGradient(of: $0) ? $0 : nil }
    let o = Variable(
      Tensor(uninitialized: [tokens, shape.heads * shape.valueDimension]),
      needsGradient: trained != nil || nodes.contains { $0.0 != nil })
    let rows = input.rows
    let positions = shape.rotary?.rows(of: tokens, in: .packed(layout)) ?? layout.positions
    let trace = AttentionTrace(
      q: rows.q, k: tiles.rotatedKeys(rows.k, positions: positions, compute), v: rows.v, sinks: trained,
      o: o.value, logSums: Tensor(uninitialized: [shape.heads, tokens]), layout: layout, positions: positions)
    tiles.forward(
      q: trace.q, k: trace.k, v: trace.v, sinks: sinks?.value, o: o.value, logSums: trace.logSums,
      maskBlocks: layout.maskBlocks(window: shape.window), positions: positions, compute)
    if let node = o.node {
      record { [program = self.rows] in
        guard let dO = node.takeAll(program) else { return }
        let targets = AttentionInput.targets(nodes, shape, program)
        AttentionGradient.run(tiles, trace, dO: dO, dq: targets[0], dk: targets[1], dv: targets[2], program.compute)
      }
    }
    return o
  }

  private func attention(
    _ input: AttentionInput, _ shape: AttentionShape, sinks: Parameter?, cache: KeyValueCache, slots: [Int], layer: Int
  ) throws -> Variable {
    precondition(!records, "A key-value cache has no backward pass")
    let rows = input.rows
    let tokens = rows.q.tensor.rows
    input.check(shape, tokens: tokens)
    let (keys, values) = (cache.keys[layer], cache.values[layer])
    let width = shape.valueDimension
    precondition(
      keys.columns == shape.keyValueHeads * shape.headDimension && values.columns == shape.keyValueHeads * width,
      "The cache was made for other heads")
    precondition(tokens % slots.count == 0, "As many tokens for each slot")
    let each = tokens / slots.count
    for slot in slots {
      guard cache.counts[slot] + each <= cache.room else {
        throw TensorError.cacheFull(wanted: cache.counts[slot] + each, capacity: cache.room)
      }
      try checkPosition(cache.counts[slot] + each - 1, shape.rotary)
    }
    let tiles = AttentionTiles(shape, compute)
    let positions =
      shape.rotary?.rows(of: tokens, in: .cached(cache, slots: slots)) ?? cache.positions(of: each, slots: slots)
    let rotated = tiles.rotatedKeys(rows.k, positions: positions, compute)
    onElements {
      for (index, slot) in slots.enumerated() {
        for token in 0..<each {
          let (row, place) = (index * each + token, cache.start(of: slot) + cache.counts[slot] + token)
          for head in 0..<shape.keyValueHeads {
            (keys.pointer + place * keys.columns + head * shape.headDimension)
              .update(from: rotated.pointer(row: row, head), count: shape.headDimension)
            (values.pointer + place * values.columns + head * width)
              .update(from: rows.v.pointer(row: row, head), count: width)
          }
        }
      }
    }
    let o = Variable(Tensor(uninitialized: [tokens, shape.heads * width]))
    let maskBlocks = slots.enumerated().map { index, slot in
      [
        MaskBlock(
          queryStart: index * each, queryCount: each, keyStart: cache.start(of: slot),
          keyCount: cache.counts[slot] + each, distance: cache.counts[slot], window: shape.window)
      ]
    }
    tiles.forward(
      q: rows.q, k: HeadRows(tensor: keys, place: HeadPlace(groupStride: shape.headDimension)),
      v: HeadRows(tensor: values, place: HeadPlace(groupStride: width)), sinks: sinks?.value, o: o.value,
      logSums: Tensor(uninitialized: [shape.heads, tokens]), maskBlocks: maskBlocks, positions: positions, compute)
    return o
  }

  private func checkPosition(_ position: Int, _ rotary: RotaryTable?) throws {
    if let rotary, position >= rotary.maximumPosition {
      throw TensorError.positionBeyondTable(position: position, maximum: rotary.maximumPosition)
    }
  }
}
