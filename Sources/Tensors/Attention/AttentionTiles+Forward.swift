import CTensorKernels
import Glibc

extension AttentionTiles {
  /// o = softmax(scores of q and k, causal) v, tile by tile with the online softmax.
  ///
  /// Dao et al. 2022, "FlashAttention".
  ///
  /// - `q`: not turned.
  /// - `k`: turned.
  /// - `sinks`: [H], a score of each head that has no key; nil without.
  /// - `o`: [T, H·Dv], written.
  /// - `logSums`: [H, T], log Σ e^score of each row, written.
  /// - `maskBlocks`: one group a segment of queries.
  /// - `positions`: one a row of q.
  func forward(
    q: HeadRows, k: HeadRows, v: HeadRows, sinks: Tensor?, o: Tensor, logSums: Tensor,
    maskBlocks: @autoclosure () -> [[MaskBlock]], positions: [Int32], _ compute: Compute
  ) {
    onElements {
      let tiles = tiles(maskBlocks(), of: \.queryCount, size: AttentionTiles.queryRows)
      positions.withUnsafeBufferPointer { buffer in
        guard let positions = buffer.baseAddress else { return }
        compute.pool.tiles(tiles.count) { index in
          forward(tiles[index], q: q, k: k, v: v, sinks: sinks, o: o, logSums: logSums, positions: positions)
        }
      }
    }
  }

  private func forward(
    _ tile: Tile, q: HeadRows, k: HeadRows, v: HeadRows, sinks: Tensor?, o: Tensor, logSums: Tensor,
    positions: UnsafePointer<Int32>
  ) {
    let (group, head) = (shape.group, tile.keyValueHead)
    let (headDimension, valueDimension) = (shape.headDimension, shape.valueDimension)
    let rows = tile.rows.count
    let stacked = group * rows
    let row = tile.maskBlocks[0].queryStart + tile.rows.lowerBound
    let queries = Tensor(uninitialized: [stacked, headDimension])
    let sums = Tensor(uninitialized: [stacked, valueDimension])
    let scores = Tensor(uninitialized: [stacked, AttentionTiles.keyRows])
    // Maximum, sum and factor of each row.
    let state = Tensor(shape: [3, stacked])
    let (maximum, total, factor) = (state.pointer, state.pointer + stacked, state.pointer + 2 * stacked)
    maximum.update(repeating: -.infinity, count: stacked)
    if let sinks {
      for index in 0..<stacked { (maximum[index], total[index]) = (sinks.pointer[head * group + index / rows], 1) }
    }
    loadQueries(queries.pointer, q, row: row, rows: rows, keyValueHead: head, positions: positions)

    let product = TileProducts(
      self, for: (stacked, AttentionTiles.keyRows, headDimension), (stacked, valueDimension, AttentionTiles.keyRows))
    var isFirst = true
    for maskBlock in tile.maskBlocks {
      let visible = maskBlock.visibleKeys(to: tile.rows, step: AttentionTiles.keyRows)
      for start in stride(from: visible.lowerBound, to: visible.upperBound, by: AttentionTiles.keyRows) {
        let keys = min(AttentionTiles.keyRows, visible.upperBound - start)
        let keyRow = maskBlock.keyStart + start
        let limit = maskBlock.limit(of: tile.rows, from: start)
        let begin = maskBlock.begin(of: tile.rows, from: start)
        product(
          MatrixView(queries), k.view(row: keyRow, head), transposesB: true, into: MatrixView(scores), m: stacked,
          n: keys, k: headDimension, seen: tk_causal(keys: tk_keys_are_columns, rows: rows, limit: limit))
        finish(scores, slopes: nil, rows: rows, keys: keys, keyValueHead: head, distance: limit - 1)
        for member in 0..<group {
          let first = member * rows
          kernels.pointee.softmax_rows(
            scores.pointer + first * AttentionTiles.keyRows, AttentionTiles.keyRows, rows, keys, begin, limit,
            maximum + first, total + first, factor + first)
        }
        if !isFirst { kernels.pointee.scale_rows(sums.pointer, valueDimension, factor, stacked, valueDimension) }
        product(
          MatrixView(scores), v.view(row: keyRow, head), into: MatrixView(sums), m: stacked, n: valueDimension,
          k: keys, accumulates: !isFirst, seen: tk_causal(keys: tk_keys_are_inner, rows: rows, limit: limit))
        isFirst = false
      }
    }

    for index in 0..<stacked { factor[index] = 1 / total[index] }
    kernels.pointee.scale_rows(sums.pointer, valueDimension, factor, stacked, valueDimension)
    for member in 0..<group {
      let queryHead = head * group + member
      for r in 0..<rows {
        let index = member * rows + r
        (o.pointer + (row + r) * o.columns + queryHead * valueDimension)
          .update(from: sums.pointer + index * valueDimension, count: valueDimension)
        logSums.pointer[queryHead * o.rows + row + r] = maximum[index] + logf(total[index])
      }
    }
  }

  /// k turned to its positions, [T, K·D] head after head; k itself when the model has no rotary positions.
  func rotatedKeys(_ k: HeadRows, positions: [Int32], _ compute: Compute) -> HeadRows {
    if shape.rotary == nil { return k }
    let rotated = Tensor(uninitialized: [k.tensor.rows, shape.keyValueHeads * shape.headDimension])
    rotateKeys(k, into: rotated.pointer, positions: positions, compute)
    return HeadRows(tensor: rotated, place: HeadPlace(groupStride: shape.headDimension))
  }

  /// Writes k turned to its positions (or as it is) to `target` [T, K·D], head after head.
  func rotateKeys(_ k: HeadRows, into target: UnsafeMutablePointer<Float>, positions: [Int32], _ compute: Compute) {
    let dimension = shape.headDimension
    let stride = shape.keyValueHeads * dimension
    positions.withUnsafeBufferPointer { buffer in
      guard let positions = buffer.baseAddress else { return }
      compute.pieces(of: k.tensor.rows, size: 128) { rows in
        for head in 0..<shape.keyValueHeads {
          let source = k.view(row: rows.lowerBound, head)
          let place = target + rows.lowerBound * stride + head * dimension
          if let rotary = shape.rotary {
            rotary.turn(
              source.from(row: 0, column: rotary.start), to: MatrixView(place + rotary.start, stride: stride),
              rows: rows.count, positions: positions + rows.lowerBound, scale: 1, inverse: false, accumulates: false,
              kernels)
          }
          for columns in still {
            for row in 0..<rows.count {
              (place + row * stride + columns.lowerBound)
                .update(from: source.pointer + row * source.stride + columns.lowerBound, count: columns.count)
            }
          }
        }
      }
    }
  }
}
