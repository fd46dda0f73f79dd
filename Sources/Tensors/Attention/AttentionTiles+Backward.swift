import CTensorKernels

/// What the backward pass of attention starts from.
struct AttentionTrace {
  /// [T, H·D], not turned.
  let q: Tensor
  /// [T, K·D], turned.
  let k: Tensor
  /// [T, K·D].
  let v: Tensor
  /// [T, H·D].
  let o: Tensor
  /// [H, T].
  let logSums: Tensor
  let layout: SequenceLayout
}

extension AttentionTiles {
  /// The most queries of a segment that one tile takes whole.
  static let shortSegment = 4 * queryRows

  /// dq, dk and dv from dO, with the scores computed again from the saved log-sums.
  ///
  /// Tiles of queries first, for dq, then tiles of keys, for dk and dv, so that no two tiles write to the same place and
  /// every sum has one order: seven products a pair of tiles. A short segment is one tile of the first kind and gets its
  /// own share of dk and dv there, with five.
  func backward(
    _ trace: AttentionTrace, dO: Tensor, dq: GradientTarget?, dk: GradientTarget?, dv: GradientTarget?,
    _ compute: Compute
  ) {
    // delta[h, t] = Σ_d dO o
    let delta = Tensor(uninitialized: trace.logSums.shape)
    let count = trace.q.rows
    compute.pieces(of: count, size: 64) { rows in
      for row in rows {
        for head in 0..<heads {
          let start = row * queryStride + head * headDimension
          delta.pointer[head * count + row] = kernels.pointee.dot(
            dO.pointer + start, trace.o.pointer + start, headDimension)
        }
      }
    }
    trace.layout.positions.withUnsafeBufferPointer { buffer in
      guard let positions = buffer.baseAddress else { return }
      let isShort = trace.layout.segments.map {
        $0.count <= AttentionTiles.shortSegment && dq != nil && dk != nil && dv != nil
      }
      func groups(_ all: [[Sight]], short: Bool) -> [[Sight]] { zip(all, isShort).filter { $1 == short }.map(\.0) }
      let (sights, seers) = (trace.layout.sights, trace.layout.seers)
      if let dq {
        let whole = tiles(groups(sights, short: true), of: \.queryCount, size: AttentionTiles.shortSegment)
        let pieces = tiles(groups(sights, short: false), of: \.queryCount, size: AttentionTiles.queryRows)
        compute.pool.tiles(whole.count + pieces.count) { index in
          if index < whole.count {
            segmentGradient(whole[index], trace, dO: dO, delta: delta, dq: dq, dk: dk, dv: dv, positions: positions)
          } else {
            queryGradient(pieces[index - whole.count], trace, dO: dO, delta: delta, dq: dq, positions: positions)
          }
        }
      }
      if dk != nil || dv != nil {
        let below = groups(seers, short: true).map { Array($0.dropFirst()) }.filter { !$0.isEmpty }
        let shared = tiles(below, of: \.keyCount, size: AttentionTiles.keyRows)
        let pieces = tiles(groups(seers, short: false), of: \.keyCount, size: AttentionTiles.keyRows)
        compute.pool.tiles(shared.count + pieces.count) { index in
          if index < shared.count {
            keyValueGradient(
              shared[index], trace, dO: dO, delta: delta, dk: dk.map { ($0.target, true) },
              dv: dv.map { ($0.target, true) }, positions: positions)
          } else {
            keyValueGradient(
              pieces[index - shared.count], trace, dO: dO, delta: delta, dk: dk, dv: dv, positions: positions)
          }
        }
      }
    }
  }

  /// The queries of a tile with what comes back to them, and the arrays of one pair with a tile of keys.
  private struct Scratch {
    /// The first row of the tile.
    let row: Int
    let rows: Int
    let keyValueHead: Int
    /// [G · rows, D] each.
    let queries: Tensor
    let dO: Tensor
    /// [G · rows, keys] each.
    let probabilities: Tensor
    let scoreGradients: Tensor
    let product: TileProducts
  }

  private func scratch(
    _ trace: AttentionTrace, dO: Tensor, row: Int, rows: Int, keyValueHead: Int, positions: UnsafePointer<Int32>
  ) -> Scratch {
    let stacked = group * rows
    let scratch = Scratch(
      row: row, rows: rows, keyValueHead: keyValueHead,
      queries: Tensor(uninitialized: [stacked, headDimension]), dO: Tensor(uninitialized: [stacked, headDimension]),
      probabilities: Tensor(uninitialized: [stacked, AttentionTiles.keyRows]),
      scoreGradients: Tensor(uninitialized: [stacked, AttentionTiles.keyRows]),
      product: TileProducts(
        self, for: (stacked, AttentionTiles.keyRows, headDimension), (stacked, headDimension, AttentionTiles.keyRows),
        (AttentionTiles.keyRows, headDimension, stacked)))
    loadQueries(
      scratch.queries.pointer, trace.q.pointer, row: row, rows: rows, keyValueHead: keyValueHead,
      positions: positions)
    loadPlain(scratch.dO.pointer, dO.pointer, row: row, rows: rows, keyValueHead: keyValueHead)
    return scratch
  }

  /// Fills p and ds of `scratch` for its queries × keys.
  ///
  /// - Parameter limit: How many of the keys the first query sees; each one after it sees one more.
  private func scores(
    _ scratch: Scratch, _ trace: AttentionTrace, delta: Tensor, keyRow: Int, keys: Int, limit: Int
  ) {
    let rows = scratch.rows
    let column = scratch.keyValueHead * headDimension
    let seen = tk_causal(keys: tk_keys_are_columns, rows: rows, limit: limit)
    scratch.product(
      MatrixView(scratch.queries), MatrixView(trace.k).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scratch.probabilities), m: group * rows, n: keys, k: headDimension, seen: seen)
    scratch.product(
      MatrixView(scratch.dO), MatrixView(trace.v).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scratch.scoreGradients), m: group * rows, n: keys, k: headDimension, seen: seen)
    let count = trace.q.rows
    for member in 0..<group {
      let start = member * rows * AttentionTiles.keyRows
      let place = (scratch.keyValueHead * group + member) * count + scratch.row
      kernels.pointee.probability_rows(
        scratch.probabilities.pointer + start, AttentionTiles.keyRows, rows, keys, limit,
        trace.logSums.pointer + place)
      kernels.pointee.score_gradient_rows(
        scratch.scoreGradients.pointer + start, scratch.probabilities.pointer + start, AttentionTiles.keyRows, rows,
        keys, delta.pointer + place, 1)
    }
  }

  /// All of a segment's gradients, but for what segments below it send to its keys.
  private func segmentGradient(
    _ tile: Tile, _ trace: AttentionTrace, dO: Tensor, delta: Tensor, dq: GradientTarget, dk: GradientTarget?,
    dv: GradientTarget?, positions: UnsafePointer<Int32>
  ) {
    let shape = [tile.rows.count, headDimension]
    let own = (keys: Tensor(shape: shape), values: Tensor(shape: shape))
    for start in stride(from: 0, to: tile.rows.count, by: AttentionTiles.queryRows) {
      let rows = start..<min(tile.rows.count, start + AttentionTiles.queryRows)
      queryGradient(
        Tile(sights: tile.sights, rows: rows, keyValueHead: tile.keyValueHead), trace, dO: dO, delta: delta, dq: dq,
        own: own, positions: positions)
    }
    store(
      own, row: tile.sights[0].queryStart, keyValueHead: tile.keyValueHead, dk: dk, dv: dv, positions: positions)
  }

  /// dq of a tile; with `own` also what its queries send to the keys and values of their own segment, added there.
  private func queryGradient(
    _ tile: Tile, _ trace: AttentionTrace, dO: Tensor, delta: Tensor, dq: GradientTarget,
    own: (keys: Tensor, values: Tensor)? = nil, positions: UnsafePointer<Int32>
  ) {
    let rows = tile.rows.count
    let row = tile.sights[0].queryStart + tile.rows.lowerBound
    let head = tile.keyValueHead
    let scratch = scratch(trace, dO: dO, row: row, rows: rows, keyValueHead: head, positions: positions)
    let sums = Tensor(uninitialized: [group * rows, headDimension])
    var isFirst = true
    for sight in tile.sights {
      let visible = sight.visibleKeys(to: tile.rows)
      for start in stride(from: 0, to: visible, by: AttentionTiles.keyRows) {
        let keys = min(AttentionTiles.keyRows, visible - start)
        let keyRow = sight.keyStart + start
        let limit = sight.limit(of: tile.rows, from: start)
        scores(scratch, trace, delta: delta, keyRow: keyRow, keys: keys, limit: limit)
        scratch.product(
          MatrixView(scratch.scoreGradients), MatrixView(trace.k).from(row: keyRow, column: head * headDimension),
          into: MatrixView(sums), m: group * rows, n: headDimension, k: keys, accumulates: !isFirst,
          seen: tk_causal(keys: tk_keys_are_inner, rows: rows, limit: limit))
        isFirst = false
        // The segment's own keys are those with an offset.
        if let own, sight.offset != nil {
          addKeyValueGradient(
            scratch, keys: keys, limit: limit, toKeys: MatrixView(own.keys).from(row: start),
            values: MatrixView(own.values).from(row: start))
        }
      }
    }
    for member in 0..<group {
      store(
        sums.pointer + member * rows * headDimension,
        to: dq.target.pointer + row * queryStride + (head * group + member) * headDimension, stride: queryStride,
        rows: rows, positions: positions + row, scale: scale, accumulates: dq.accumulates)
    }
  }

  private func keyValueGradient(
    _ tile: Tile, _ trace: AttentionTrace, dO: Tensor, delta: Tensor, dk: GradientTarget?, dv: GradientTarget?,
    positions: UnsafePointer<Int32>
  ) {
    let keys = tile.rows.count
    let keyRow = tile.sights[0].keyStart + tile.rows.lowerBound
    let head = tile.keyValueHead
    let sums = (keys: Tensor(shape: [keys, headDimension]), values: Tensor(shape: [keys, headDimension]))
    for sight in tile.sights {
      // Brought to the border of a query tile.
      let firstQuery =
        sight.firstQuery(seeing: tile.rows.lowerBound) / AttentionTiles.queryRows * AttentionTiles.queryRows
      for query in stride(from: firstQuery, to: sight.queryCount, by: AttentionTiles.queryRows) {
        let queries = query..<min(sight.queryCount, query + AttentionTiles.queryRows)
        let scratch = scratch(
          trace, dO: dO, row: sight.queryStart + query, rows: queries.count, keyValueHead: head, positions: positions)
        let limit = sight.limit(of: queries, from: tile.rows.lowerBound)
        scores(scratch, trace, delta: delta, keyRow: keyRow, keys: keys, limit: limit)
        addKeyValueGradient(
          scratch, keys: keys, limit: limit, toKeys: MatrixView(sums.keys), values: MatrixView(sums.values))
      }
    }
    store(sums, row: keyRow, keyValueHead: head, dk: dk, dv: dv, positions: positions)
  }

  /// dv += pᵀ dO and dk += dsᵀ q for the pair that `scratch` holds.
  private func addKeyValueGradient(
    _ scratch: Scratch, keys: Int, limit: Int, toKeys dk: MatrixView, values dv: MatrixView
  ) {
    let seen = tk_causal(keys: tk_keys_are_rows, rows: scratch.rows, limit: limit)
    scratch.product(
      MatrixView(scratch.probabilities), transposesA: true, MatrixView(scratch.dO), into: dv, m: keys,
      n: headDimension, k: group * scratch.rows, accumulates: true, seen: seen)
    // The queries carry `scale` already.
    scratch.product(
      MatrixView(scratch.scoreGradients), transposesA: true, MatrixView(scratch.queries), into: dk, m: keys,
      n: headDimension, k: group * scratch.rows, accumulates: true, seen: seen)
  }

  /// Writes the sums [keys, D] of neighbouring keys from `row` on to dk, turned back, and to dv.
  private func store(
    _ sums: (keys: Tensor, values: Tensor), row: Int, keyValueHead: Int, dk: GradientTarget?, dv: GradientTarget?,
    positions: UnsafePointer<Int32>
  ) {
    let start = row * keyStride + keyValueHead * headDimension
    let keys = sums.keys.rows
    if let dk {
      store(
        sums.keys.pointer, to: dk.target.pointer + start, stride: keyStride, rows: keys, positions: positions + row,
        scale: 1, accumulates: dk.accumulates)
    }
    if let dv {
      for r in 0..<keys {
        let target = dv.target.pointer + start + r * keyStride
        if !dv.accumulates { target.update(repeating: 0, count: headDimension) }
        kernels.pointee.add(target, target, sums.values.pointer + r * headDimension, headDimension)
      }
    }
  }
}
