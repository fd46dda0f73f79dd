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
  /// dq, dk and dv from dO, with the scores computed again from the saved log-sums.
  ///
  /// Two passes, one over tiles of queries for dq and one over tiles of keys for dk and dv, so that no two tiles write to
  /// the same place and every sum has one order (seven products a tile instead of five).
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
      if let dq {
        let tiles = tiles(trace.layout.sights, of: \.queryCount, size: AttentionTiles.queryRows)
        compute.pool.tiles(tiles.count) { index in
          queryGradient(tiles[index], trace, dO: dO, delta: delta, dq: dq, positions: positions)
        }
      }
      if dk != nil || dv != nil {
        let tiles = tiles(trace.layout.seers, of: \.keyCount, size: AttentionTiles.keyRows)
        compute.pool.tiles(tiles.count) { index in
          keyValueGradient(tiles[index], trace, dO: dO, delta: delta, dk: dk, dv: dv, positions: positions)
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
    scratch.product(
      MatrixView(scratch.queries), MatrixView(trace.k).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scratch.probabilities), m: group * rows, n: keys, k: headDimension)
    scratch.product(
      MatrixView(scratch.dO), MatrixView(trace.v).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scratch.scoreGradients), m: group * rows, n: keys, k: headDimension)
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

  private func queryGradient(
    _ tile: Tile, _ trace: AttentionTrace, dO: Tensor, delta: Tensor, dq: GradientTarget,
    positions: UnsafePointer<Int32>
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
        scores(
          scratch, trace, delta: delta, keyRow: keyRow, keys: keys, limit: sight.limit(of: tile.rows, from: start))
        scratch.product(
          MatrixView(scratch.scoreGradients), MatrixView(trace.k).from(row: keyRow, column: head * headDimension),
          into: MatrixView(sums), m: group * rows, n: headDimension, k: keys, accumulates: !isFirst)
        isFirst = false
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
    let keySums = Tensor(shape: [keys, headDimension])
    let valueSums = Tensor(shape: [keys, headDimension])
    for sight in tile.sights {
      // Brought to the border of a query tile.
      let firstQuery =
        sight.firstQuery(seeing: tile.rows.lowerBound) / AttentionTiles.queryRows * AttentionTiles.queryRows
      for query in stride(from: firstQuery, to: sight.queryCount, by: AttentionTiles.queryRows) {
        let queries = query..<min(sight.queryCount, query + AttentionTiles.queryRows)
        let scratch = scratch(
          trace, dO: dO, row: sight.queryStart + query, rows: queries.count, keyValueHead: head, positions: positions)
        scores(
          scratch, trace, delta: delta, keyRow: keyRow, keys: keys,
          limit: sight.limit(of: queries, from: tile.rows.lowerBound))
        scratch.product(
          MatrixView(scratch.probabilities), transposesA: true, MatrixView(scratch.dO), into: MatrixView(valueSums),
          m: keys, n: headDimension, k: group * queries.count, accumulates: true)
        // The queries carry `scale` already.
        scratch.product(
          MatrixView(scratch.scoreGradients), transposesA: true, MatrixView(scratch.queries),
          into: MatrixView(keySums), m: keys, n: headDimension, k: group * queries.count, accumulates: true)
      }
    }
    let start = keyRow * keyStride + head * headDimension
    if let dk {
      store(
        keySums.pointer, to: dk.target.pointer + start, stride: keyStride, rows: keys, positions: positions + keyRow,
        scale: 1, accumulates: dk.accumulates)
    }
    if let dv {
      for r in 0..<keys {
        let target = dv.target.pointer + start + r * keyStride
        if !dv.accumulates { target.update(repeating: 0, count: headDimension) }
        kernels.pointee.add(target, target, valueSums.pointer + r * headDimension, headDimension)
      }
    }
  }
}
