import CTensorKernels
import Glibc

extension AttentionTiles {
  /// o = softmax(scale · q kᵀ, causal) v, tile by tile with the online softmax.
  ///
  /// Dao et al. 2022, "FlashAttention".
  ///
  /// - `q`: [T, H·D], not turned.
  /// - `k`: [keys, K·D], turned.
  /// - `v`: [keys, K·D].
  /// - `o`: [T, H·D], written.
  /// - `logSums`: [H, T], log Σ e^score of each row, written.
  /// - `sights`: one group a segment of queries.
  /// - `positions`: one a row of q.
  func forward(
    q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSums: Tensor, maskBlocks: [[MaskBlock]], positions: [Int32],
    _ compute: Compute
  ) {
    let tiles = tiles(maskBlocks, of: \.queryCount, size: AttentionTiles.queryRows)
    positions.withUnsafeBufferPointer { buffer in
      guard let positions = buffer.baseAddress else { return }
      compute.pool.tiles(tiles.count) { index in
        forward(tiles[index], q: q, k: k, v: v, o: o, logSums: logSums, positions: positions)
      }
    }
  }

  private func forward(
    _ tile: Tile, q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSums: Tensor, positions: UnsafePointer<Int32>
  ) {
    let rows = tile.rows.count
    let stacked = group * rows
    let row = tile.maskBlocks[0].queryStart + tile.rows.lowerBound
    let queries = Tensor(uninitialized: [stacked, headDimension])
    let sums = Tensor(uninitialized: [stacked, headDimension])
    let scores = Tensor(uninitialized: [stacked, AttentionTiles.keyRows])
    // Maximum, sum and factor of each row.
    let state = Tensor(shape: [3, stacked])
    let (maximum, total, factor) = (state.pointer, state.pointer + stacked, state.pointer + 2 * stacked)
    maximum.update(repeating: -.infinity, count: stacked)
    loadQueries(queries.pointer, q.pointer, row: row, rows: rows, keyValueHead: tile.keyValueHead, positions: positions)

    let column = tile.keyValueHead * headDimension
    let product = TileProducts(
      self, for: (stacked, AttentionTiles.keyRows, headDimension), (stacked, headDimension, AttentionTiles.keyRows))
    var isFirst = true
    for maskBlock in tile.maskBlocks {
      let visible = maskBlock.visibleKeys(to: tile.rows)
      for start in stride(from: 0, to: visible, by: AttentionTiles.keyRows) {
        let keys = min(AttentionTiles.keyRows, visible - start)
        let keyRow = maskBlock.keyStart + start
        let limit = maskBlock.limit(of: tile.rows, from: start)
        product(
          MatrixView(queries), MatrixView(k).from(row: keyRow, column: column), transposesB: true,
          into: MatrixView(scores), m: stacked, n: keys, k: headDimension,
          seen: tk_causal(keys: tk_keys_are_columns, rows: rows, limit: limit))
        for member in 0..<group {
          let first = member * rows
          kernels.pointee.softmax_rows(
            scores.pointer + first * AttentionTiles.keyRows, AttentionTiles.keyRows, rows, keys,
            limit, maximum + first, total + first, factor + first)
        }
        if !isFirst { kernels.pointee.scale_rows(sums.pointer, headDimension, factor, stacked, headDimension) }
        product(
          MatrixView(scores), MatrixView(v).from(row: keyRow, column: column), into: MatrixView(sums), m: stacked,
          n: headDimension, k: keys, accumulates: !isFirst,
          seen: tk_causal(keys: tk_keys_are_inner, rows: rows, limit: limit))
        isFirst = false
      }
    }

    for index in 0..<stacked { factor[index] = 1 / total[index] }
    kernels.pointee.scale_rows(sums.pointer, headDimension, factor, stacked, headDimension)
    for member in 0..<group {
      let head = tile.keyValueHead * group + member
      for r in 0..<rows {
        let index = member * rows + r
        (o.pointer + (row + r) * queryStride + head * headDimension)
          .update(from: sums.pointer + index * headDimension, count: headDimension)
        logSums.pointer[head * q.rows + row + r] = maximum[index] + logf(total[index])
      }
    }
  }

  /// k turned to its positions: [T, K·D]; k itself when the model has no rotary positions.
  func rotatedKeys(_ k: Tensor, positions: [Int32], _ compute: Compute) -> Tensor {
    if rotary == nil { return k }
    let rotated = Tensor(uninitialized: k.shape)
    rotateKeys(k, into: rotated.pointer, positions: positions, compute)
    return rotated
  }

  /// Writes k turned to its positions (or as it is) to `target` [T, K·D].
  func rotateKeys(_ k: Tensor, into target: UnsafeMutablePointer<Float>, positions: [Int32], _ compute: Compute) {
    guard let rotary else {
      target.update(from: k.pointer, count: k.count)
      return
    }
    positions.withUnsafeBufferPointer { buffer in
      guard let positions = buffer.baseAddress else { return }
      compute.pieces(of: k.rows, size: 128) { rows in
        for head in 0..<keyValueHeads {
          let start = rows.lowerBound * keyStride + head * headDimension
          kernels.pointee.rotate(
            target + start, keyStride, k.pointer + start, keyStride, rotary.cosines.pointer, rotary.sines.pointer,
            positions + rows.lowerBound, rows.count, headDimension / 2, 1, 0, 0)
        }
      }
    }
  }
}
