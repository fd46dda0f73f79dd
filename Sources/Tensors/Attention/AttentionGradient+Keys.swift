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
    let maskBlocks = trace.layout.maskBlocksByKeys(isShort.map { !$0 }, window: tiles.shape.window)
    return segments.indices.filter { !maskBlocks[$0].isEmpty || !partials.parts[$0].isEmpty }.flatMap { index in
      stride(from: 0, to: segments[index].count, by: AttentionTiles.keyRows).flatMap { start in
        (0..<tiles.shape.keyValueHeads).map { head in
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
    let sums = KeyGradientSums(keys: keys, tiles.shape)
    for maskBlock in tile.maskBlocks {
      // From the border of a query tile on.
      let seeing = maskBlock.queries(seeing: tile.rows, step: AttentionTiles.queryRows)
      for query in stride(from: seeing.lowerBound, to: seeing.upperBound, by: AttentionTiles.queryRows) {
        let queries = query..<min(seeing.upperBound, query + AttentionTiles.queryRows)
        let pair = TilePair(
          self, row: maskBlock.queryStart + query, rows: queries.count, keyValueHead: tile.keyValueHead)
        let limit = maskBlock.limit(of: queries, from: tile.rows.lowerBound)
        let begin = maskBlock.begin(of: queries, from: tile.rows.lowerBound)
        pair.score(keyRow: keyRow, keys: keys, begin: begin, limit: limit)
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
    if let dk {
      tiles.store(
        sums.keys.pointer + first * sums.keys.columns, to: dk.rows.view(row: row, keyValueHead), rows: rows,
        positions: positions + row, scale: 1, accumulates: accumulates || dk.accumulates)
    }
    if let dv {
      let dimension = sums.values.columns
      for r in 0..<rows {
        let target = dv.rows.pointer(row: row + r, keyValueHead)
        let source = sums.values.pointer + (first + r) * dimension
        if accumulates || dv.accumulates {
          tiles.kernels.pointee.add(target, target, source, dimension)
        } else {
          target.update(from: source, count: dimension)
        }
      }
    }
  }
}
