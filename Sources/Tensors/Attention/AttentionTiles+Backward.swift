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
  let segments: [AttentionTiles.Segment]
  let positions: [Int32]
}

/// A gradient to write, or to add to.
typealias GradientTarget = (target: Tensor, accumulates: Bool)

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
    trace.positions.withUnsafeBufferPointer { buffer in
      guard let positions = buffer.baseAddress else { return }
      if let dq {
        let tiles = tiles(trace.segments, of: \.queryCount, size: AttentionTiles.queryRows)
        compute.pool.tiles(tiles.count) { index in
          queryGradient(tiles[index], trace, dO: dO, delta: delta, dq: dq, positions: positions)
        }
      }
      if dk != nil || dv != nil {
        let tiles = tiles(trace.segments, of: \.keyCount, size: AttentionTiles.keyRows)
        compute.pool.tiles(tiles.count) { index in
          keyValueGradient(tiles[index], trace, dO: dO, delta: delta, dk: dk, dv: dv, positions: positions)
        }
      }
    }
  }

  /// The arrays of one pair of a query tile and a key tile.
  private struct Scratch {
    /// [G · rows, D] each.
    let queries: Tensor
    let dO: Tensor
    /// [G · rows, keys] each.
    let probabilities: Tensor
    let scoreGradients: Tensor

    init(stacked: Int, headDimension: Int) {
      queries = Tensor(uninitialized: [stacked, headDimension])
      dO = Tensor(uninitialized: [stacked, headDimension])
      probabilities = Tensor(uninitialized: [stacked, AttentionTiles.keyRows])
      scoreGradients = Tensor(uninitialized: [stacked, AttentionTiles.keyRows])
    }
  }

  /// Fills p and ds of `scratch` for query rows × keys; queries and dO stand there already.
  private func scores(
    _ scratch: Scratch, _ trace: AttentionTrace, delta: Tensor, row: Int, rows: Int, firstPosition: Int, key: Int,
    keyRow: Int, keys: Int, keyValueHead: Int
  ) {
    let stacked = group * rows
    let column = keyValueHead * headDimension
    multiply(
      MatrixView(scratch.queries), MatrixView(trace.k).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scratch.probabilities), m: stacked, n: keys, k: headDimension)
    multiply(
      MatrixView(scratch.dO), MatrixView(trace.v).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scratch.scoreGradients), m: stacked, n: keys, k: headDimension)
    let count = trace.q.rows
    for member in 0..<group {
      let start = member * rows * AttentionTiles.keyRows
      let place = (keyValueHead * group + member) * count + row
      kernels.pointee.probability_rows(
        scratch.probabilities.pointer + start, AttentionTiles.keyRows, rows, keys, firstPosition + 1 - key,
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
    let row = tile.segment.queryStart + tile.rows.lowerBound
    let head = tile.keyValueHead
    let scratch = Scratch(stacked: group * rows, headDimension: headDimension)
    let sums = Tensor(uninitialized: [group * rows, headDimension])
    loadQueries(
      scratch.queries.pointer, trace.q.pointer, row: row, rows: rows, keyValueHead: head, positions: positions)
    loadPlain(scratch.dO.pointer, dO.pointer, row: row, rows: rows, keyValueHead: head)
    let firstPosition = tile.segment.offset + tile.rows.lowerBound
    let visible = firstPosition + rows
    for start in stride(from: 0, to: visible, by: AttentionTiles.keyRows) {
      let keys = min(AttentionTiles.keyRows, visible - start)
      let keyRow = tile.segment.keyStart + start
      scores(
        scratch, trace, delta: delta, row: row, rows: rows, firstPosition: firstPosition, key: start, keyRow: keyRow,
        keys: keys, keyValueHead: head)
      multiply(
        MatrixView(scratch.scoreGradients), MatrixView(trace.k).from(row: keyRow, column: head * headDimension),
        into: MatrixView(sums), m: group * rows, n: headDimension, k: keys, accumulates: start > 0)
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
    let keyRow = tile.segment.keyStart + tile.rows.lowerBound
    let head = tile.keyValueHead
    let keySums = Tensor(shape: [keys, headDimension])
    let valueSums = Tensor(shape: [keys, headDimension])
    // The first query that sees a key of this tile, brought to the border of a query tile.
    let firstQuery =
      max(0, tile.rows.lowerBound - tile.segment.offset) / AttentionTiles.queryRows * AttentionTiles.queryRows
    for query in stride(from: firstQuery, to: tile.segment.queryCount, by: AttentionTiles.queryRows) {
      let rows = min(AttentionTiles.queryRows, tile.segment.queryCount - query)
      let row = tile.segment.queryStart + query
      let scratch = Scratch(stacked: group * rows, headDimension: headDimension)
      loadQueries(
        scratch.queries.pointer, trace.q.pointer, row: row, rows: rows, keyValueHead: head, positions: positions)
      loadPlain(scratch.dO.pointer, dO.pointer, row: row, rows: rows, keyValueHead: head)
      scores(
        scratch, trace, delta: delta, row: row, rows: rows, firstPosition: tile.segment.offset + query,
        key: tile.rows.lowerBound, keyRow: keyRow, keys: keys, keyValueHead: head)
      multiply(
        MatrixView(scratch.probabilities), transposesA: true, MatrixView(scratch.dO), into: MatrixView(valueSums),
        m: keys, n: headDimension, k: group * rows, accumulates: true)
      // The queries carry `scale` already.
      multiply(
        MatrixView(scratch.scoreGradients), transposesA: true, MatrixView(scratch.queries), into: MatrixView(keySums),
        m: keys, n: headDimension, k: group * rows, accumulates: true)
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
