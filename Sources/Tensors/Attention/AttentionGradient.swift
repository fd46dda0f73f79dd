import CTensorKernels
import Glibc

/// What the backward pass of attention starts from.
struct AttentionTrace {
  /// Not turned.
  let q: HeadRows
  /// Turned.
  let k: HeadRows
  let v: HeadRows
  let sinks: Parameter?
  /// [T, H·Dv].
  let o: Tensor
  /// [H, T].
  let logSums: Tensor
  let layout: SequenceLayout
  /// Rows of the rotary table, one a token.
  let positions: [Int32]
}

/// One backward pass of attention: dq, dk and dv from dO, with the scores computed again from the saved log-sums.
///
/// Tiles of queries first, for dq, then tiles of keys, for dk and dv, so that no two tiles write to the same place and
/// every sum has one order: seven products a pair of tiles. A short segment is one tile of the first kind, with five
/// products: what its queries send to the keys that they see is summed there, and waits in ``PartialKeyGradients`` for the tiles of
/// those keys.
struct AttentionGradient {
  let tiles: AttentionTiles
  let trace: AttentionTrace
  let dO: Tensor
  /// delta[h, t] = Σ_d dO o.
  let delta: Tensor
  let dq: HeadTarget?
  let dk: HeadTarget?
  let dv: HeadTarget?
  /// One a row of q.
  let positions: UnsafePointer<Int32>

  static func run(
    _ tiles: AttentionTiles, _ trace: AttentionTrace, dO: Tensor, dq: HeadTarget?, dk: HeadTarget?, dv: HeadTarget?,
    _ compute: Compute
  ) {
    let delta = Tensor(uninitialized: trace.logSums.shape)
    let (count, dimension) = (dO.rows, tiles.shape.valueDimension)
    compute.pieces(of: count, size: 64) { rows in
      for row in rows {
        for head in 0..<tiles.shape.heads {
          let start = row * dO.columns + head * dimension
          delta.pointer[head * count + row] = tiles.kernels.pointee.dot(
            dO.pointer + start, trace.o.pointer + start, dimension)
        }
      }
    }
    if let sinks = trace.sinks { addGradient(of: sinks, logSums: trace.logSums, delta: delta) }
    trace.positions.withUnsafeBufferPointer { buffer in
      guard let positions = buffer.baseAddress else { return }
      AttentionGradient(
        tiles: tiles, trace: trace, dO: dO, delta: delta, dq: dq, dk: dk, dv: dv, positions: positions
      ).run(compute)
    }
  }

  /// A sink takes its share of each row's probability and gives nothing for it: −Σ_t p delta.
  private static func addGradient(of sinks: Parameter, logSums: Tensor, delta: Tensor) {
    let gradient = sinks.gradientForAccumulation()
    onElements {
      for head in 0..<logSums.rows {
        let sink = sinks.value.pointer[head]
        let row = head * logSums.columns
        let sum = (row..<row + logSums.columns).reduce(0.0) {
          $0 + exp(Double(sink - logSums.pointer[$1])) * Double(delta.pointer[$1])
        }
        gradient.pointer[head] -= Float(sum)
      }
    }
  }

  private func run(_ compute: Compute) {
    let segments = trace.layout.segments
    let isShort = segments.map { PartialKeyGradients.holds($0) && dq != nil && dk != nil && dv != nil }
    let partials = PartialKeyGradients(segments, isShort: isShort, tiles)
    onElements { add(isShort: isShort, partials, compute) }
  }

  private func add(isShort: [Bool], _ partials: PartialKeyGradients, _ compute: Compute) {
    let segments = trace.layout.segments
    if let dq {
      let maskBlocks = trace.layout.maskBlocks(window: tiles.shape.window)
      let short = segments.indices.filter { isShort[$0] }.flatMap { segment in
        (0..<tiles.shape.keyValueHeads).map { (segment: segment, head: $0) }
      }
      let long = tiles.tiles(
        segments.indices.filter { !isShort[$0] }.map { maskBlocks[$0] }, of: \.queryCount,
        size: AttentionTiles.queryRows)
      compute.pool.tiles(short.count + long.count) { index in
        if index < short.count {
          let (segment, head) = short[index]
          segmentGradient(maskBlocks[segment], keyValueHead: head, dq: dq, to: partials, first: partials.first[segment])
        } else {
          queryGradient(long[index - short.count], dq: dq)
        }
      }
    }
    if dk != nil || dv != nil {
      let pieces = keyTiles(isShort: isShort, partials)
      compute.pool.tiles(pieces.count) { keyGradient(pieces[$0], partials) }
    }
  }

  /// dq of a short segment, and what it sends to the keys that it sees: to its own at once, to others by `shares`.
  private func segmentGradient(
    _ maskBlocks: [MaskBlock], keyValueHead: Int, dq: HeadTarget, to partials: PartialKeyGradients, first: Int
  ) {
    let own = maskBlocks[maskBlocks.count - 1]
    let sums = KeyGradientSums(keys: maskBlocks.reduce(0) { $0 + $1.keyCount }, tiles.shape)
    for start in stride(from: 0, to: own.queryCount, by: AttentionTiles.queryRows) {
      let rows = start..<min(own.queryCount, start + AttentionTiles.queryRows)
      queryGradient(
        AttentionTiles.Tile(maskBlocks: maskBlocks, rows: rows, keyValueHead: keyValueHead), dq: dq, sums: sums)
    }
    let above = sums.count - own.keyCount
    partials.keep(sums, rows: above, at: first, keyValueHead: keyValueHead)
    store(sums, from: above, row: own.keyStart, rows: own.keyCount, keyValueHead: keyValueHead, accumulates: false)
  }

  /// dq of a tile; with `sums` also what its queries send to the keys of all mask blocks, one after the other, added there.
  private func queryGradient(_ tile: AttentionTiles.Tile, dq: HeadTarget, sums: KeyGradientSums? = nil) {
    let (group, headDimension) = (tiles.shape.group, tiles.shape.headDimension)
    let rows = tile.rows.count
    let row = tile.maskBlocks[0].queryStart + tile.rows.lowerBound
    let head = tile.keyValueHead
    let pair = TilePair(self, row: row, rows: rows, keyValueHead: head)
    let result = Tensor(uninitialized: [group * rows, headDimension])
    var isFirst = true
    var before = 0
    for maskBlock in tile.maskBlocks {
      let visible = maskBlock.visibleKeys(to: tile.rows, step: AttentionTiles.keyRows)
      for start in stride(from: visible.lowerBound, to: visible.upperBound, by: AttentionTiles.keyRows) {
        let keys = min(AttentionTiles.keyRows, visible.upperBound - start)
        let keyRow = maskBlock.keyStart + start
        let limit = maskBlock.limit(of: tile.rows, from: start)
        pair.score(keyRow: keyRow, keys: keys, begin: maskBlock.begin(of: tile.rows, from: start), limit: limit)
        pair.product(
          MatrixView(pair.scoreGradients), trace.k.view(row: keyRow, head), into: MatrixView(result), m: group * rows,
          n: headDimension, k: keys, accumulates: !isFirst,
          seen: tk_causal(keys: tk_keys_are_inner, rows: rows, limit: limit))
        isFirst = false
        if let sums { pair.add(to: sums, from: before + start, keys: keys, limit: limit) }
      }
      before += maskBlock.keyCount
    }
    for member in 0..<group {
      tiles.store(
        result.pointer + member * rows * headDimension,
        to: dq.rows.view(row: row, head).from(row: 0, column: member * headDimension), rows: rows,
        positions: positions + row, scale: tiles.shape.scale, accumulates: dq.accumulates)
    }
  }
}
