import CTensorKernels

extension AttentionGradient {
  /// A piece of the keys of a segment, for one key-value head.
  struct KeyTile {
    /// What sees the keys and has not sent its part.
    var maskBlocks: [MaskBlock]
    /// Where in ``PartialKeyGradients`` the parts for the segment's first key are.
    var partials: [Int]
    /// The row of the segment's first key.
    var start: Int
    /// From 0.
    var rows: Range<Int>
    var keyValueHead: Int
    /// Whether the segment's own part has been written.
    var hasOwn: Bool
  }

  /// The tiles of all keys to which something is still to come.
  func keyTiles(isShort: [Bool], _ partials: PartialKeyGradients) -> [KeyTile] {
    let segments = trace.layout.segments
    let maskBlocks = trace.layout.maskBlocksByKeys(isShort.map { !$0 })
    return segments.indices.filter { !maskBlocks[$0].isEmpty || !partials.parts[$0].isEmpty }.flatMap { index in
      stride(from: 0, to: segments[index].count, by: AttentionTiles.keyRows).flatMap { start in
        (0..<tiles.keyValueHeads).map { head in
          KeyTile(
            maskBlocks: maskBlocks[index], partials: partials.parts[index], start: segments[index].start,
            rows: start..<min(segments[index].count, start + AttentionTiles.keyRows), keyValueHead: head,
            hasOwn: isShort[index])
        }
      }
    }
  }

  /// dk and dv of a tile.
  func keyGradient(_ tile: KeyTile, _ partials: PartialKeyGradients) {
    let keys = tile.rows.count
    let keyRow = tile.start + tile.rows.lowerBound
    let sums = KeyGradientSums(keys: keys, headDimension: tiles.headDimension)
    for maskBlock in tile.maskBlocks {
      // Brought to the border of a query tile.
      let firstQuery =
        maskBlock.firstQuery(seeing: tile.rows.lowerBound) / AttentionTiles.queryRows * AttentionTiles.queryRows
      for query in stride(from: firstQuery, to: maskBlock.queryCount, by: AttentionTiles.queryRows) {
        let queries = query..<min(maskBlock.queryCount, query + AttentionTiles.queryRows)
        let pair = TilePair(
          self, row: maskBlock.queryStart + query, rows: queries.count, keyValueHead: tile.keyValueHead)
        let limit = maskBlock.limit(of: queries, from: tile.rows.lowerBound)
        pair.score(keyRow: keyRow, keys: keys, limit: limit)
        pair.add(to: sums, from: 0, keys: keys, limit: limit)
      }
    }
    for first in tile.partials {
      partials.add(
        from: first + tile.rows.lowerBound, keyValueHead: tile.keyValueHead, to: sums, tiles.kernels)
    }
    store(sums, from: 0, row: keyRow, rows: keys, keyValueHead: tile.keyValueHead, accumulates: tile.hasOwn)
  }

  /// Writes sums of `rows` keys to dk, turned back, and to dv, from `row` on.
  func store(_ sums: KeyGradientSums, from first: Int, row: Int, rows: Int, keyValueHead: Int, accumulates: Bool) {
    let headDimension = tiles.headDimension
    let start = row * tiles.keyStride + keyValueHead * headDimension
    if let dk {
      tiles.store(
        sums.keys.pointer + first * headDimension, to: dk.target.pointer + start, stride: tiles.keyStride, rows: rows,
        positions: positions + row, scale: 1, accumulates: accumulates || dk.accumulates)
    }
    if let dv {
      for r in 0..<rows {
        let target = dv.target.pointer + start + r * tiles.keyStride
        let source = sums.values.pointer + (first + r) * headDimension
        if accumulates || dv.accumulates {
          tiles.kernels.pointee.add(target, target, source, headDimension)
        } else {
          target.update(from: source, count: headDimension)
        }
      }
    }
  }
}
