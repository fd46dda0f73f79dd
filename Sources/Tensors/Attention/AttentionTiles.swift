import CTensorKernels

/// The sizes and the position table that all tiles of one attention share.
///
/// A tile stacks the query rows of all G = H/K heads that share a key-value head: [G · rows, D], head after head.
struct AttentionTiles {
  /// Query rows of a head in a tile.
  static let queryRows = 64
  /// Keys in a tile.
  static let keyRows = 64

  let heads: Int
  let keyValueHeads: Int
  let headDimension: Int
  let rotary: RotaryTable?
  /// Multiplies q·k.
  let scale: Float
  let kernels: UnsafePointer<tk_kernels>

  var group: Int { heads / keyValueHeads }
  var queryStride: Int { heads * headDimension }
  var keyStride: Int { keyValueHeads * headDimension }

  /// Queries that attend to keys: query i has position keyCount − queryCount + i and sees the keys up to its position.
  struct Segment {
    var queryStart: Int
    var queryCount: Int
    var keyStart: Int
    var keyCount: Int

    /// The position of the first query.
    var offset: Int { keyCount - queryCount }
  }

  /// A piece of a segment for one key-value head.
  struct Tile {
    var segment: Segment
    /// Queries or keys of the segment, from 0.
    var rows: Range<Int>
    var keyValueHead: Int
  }

  /// One tile for each piece of the queries (or keys) of each segment and each key-value head; the longest first, so that
  /// the threads end together.
  func tiles(_ segments: [Segment], of count: KeyPath<Segment, Int>, size: Int) -> [Tile] {
    var tiles: [Tile] = []
    for segment in segments {
      for start in stride(from: 0, to: segment[keyPath: count], by: size) {
        for head in 0..<keyValueHeads {
          let rows = start..<min(segment[keyPath: count], start + size)
          tiles.append(Tile(segment: segment, rows: rows, keyValueHead: head))
        }
      }
    }
    return tiles
  }

  /// Copies rows of one head of `source` [T, stride] to y [rows, D], turned to their positions when there is a table.
  func load(
    _ y: UnsafeMutablePointer<Float>, from source: UnsafePointer<Float>, stride: Int, rows: Int,
    positions: UnsafePointer<Int32>, scale: Float
  ) {
    if let rotary {
      kernels.pointee.rotate(
        y, headDimension, source, stride, rotary.cosines.pointer, rotary.sines.pointer, positions, rows,
        headDimension / 2, scale, 0, 0)
    } else {
      for row in 0..<rows {
        (y + row * headDimension).update(from: source + row * stride, count: headDimension)
      }
      if scale != 1 { kernels.pointee.scale(y, scale, rows * headDimension) }
    }
  }

  /// The reverse of ``load(_:from:stride:rows:positions:scale:)`` for a gradient: target (+)= scale · turned back y.
  func store(
    _ y: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, stride: Int, rows: Int,
    positions: UnsafePointer<Int32>, scale: Float, accumulates: Bool
  ) {
    if let rotary {
      kernels.pointee.rotate(
        target, stride, y, headDimension, rotary.cosines.pointer, rotary.sines.pointer, positions, rows,
        headDimension / 2, scale, 1, accumulates ? 1 : 0)
    } else {
      for row in 0..<rows {
        if !accumulates { (target + row * stride).update(repeating: 0, count: headDimension) }
        kernels.pointee.axpy(target + row * stride, scale, y + row * headDimension, headDimension)
      }
    }
  }

  /// The stacked query rows of a tile, turned and scaled: y [G · rows, D].
  func loadQueries(
    _ y: UnsafeMutablePointer<Float>, _ q: UnsafePointer<Float>, row: Int, rows: Int, keyValueHead: Int,
    positions: UnsafePointer<Int32>
  ) {
    for member in 0..<group {
      let head = keyValueHead * group + member
      load(
        y + member * rows * headDimension, from: q + row * queryStride + head * headDimension, stride: queryStride,
        rows: rows, positions: positions + row, scale: scale)
    }
  }

  /// The stacked rows of a tile as they are, of o or its gradient: y [G · rows, D].
  func loadPlain(
    _ y: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>, row: Int, rows: Int, keyValueHead: Int
  ) {
    for member in 0..<group {
      let first = source + row * queryStride + (keyValueHead * group + member) * headDimension
      for r in 0..<rows {
        (y + (member * rows + r) * headDimension).update(from: first + r * queryStride, count: headDimension)
      }
    }
  }
}
