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
  let kind: TileProducts.Kind

  init(
    heads: Int, keyValueHeads: Int, headDimension: Int, rotary: RotaryTable?, scale: Float, _ compute: Compute
  ) {
    precondition(heads % keyValueHeads == 0, "\(heads) heads cannot share \(keyValueHeads) key-value heads")
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.rotary = rotary
    self.scale = scale
    kernels = compute.kernels.functions
    kind = TileProducts.Kind(compute)
  }

  var group: Int { heads / keyValueHeads }
  var queryStride: Int { heads * headDimension }
  var keyStride: Int { keyValueHeads * headDimension }

  /// A piece of the queries of some sights, or of their keys, for one key-value head.
  struct Tile {
    /// All have the queries that the tile is a piece of, or all have the keys.
    var maskBlocks: [MaskBlock]
    /// Queries or keys of the sights, from 0.
    var rows: Range<Int>
    var keyValueHead: Int
  }

  /// One tile for each piece of the queries (or keys) that the sights of a group have in common, and each key-value head.
  func tiles(_ groups: [[MaskBlock]], of count: KeyPath<MaskBlock, Int>, size: Int) -> [Tile] {
    var tiles: [Tile] = []
    for maskBlocks in groups {
      let all = maskBlocks[0][keyPath: count]
      for start in stride(from: 0, to: all, by: size) {
        for head in 0..<keyValueHeads {
          tiles.append(Tile(maskBlocks: maskBlocks, rows: start..<min(all, start + size), keyValueHead: head))
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
