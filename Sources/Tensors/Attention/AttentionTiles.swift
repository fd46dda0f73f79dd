import CTensorKernels

/// What all tiles of one attention share.
///
/// A tile stacks the query rows of all G = H/K heads that share a key-value head: [G · rows, D], head after head.
struct AttentionTiles {
  /// Query rows of a head in a tile.
  static let queryRows = 64
  /// Keys in a tile.
  static let keyRows = 64

  let shape: AttentionShape
  let kernels: UnsafePointer<tk_kernels>
  let kind: TileProducts.Kind

  init(_ shape: AttentionShape, _ compute: Compute) {
    self.shape = shape
    kernels = compute.kernels.functions
    kind = TileProducts.Kind(compute)
  }

  /// A piece of the queries of some mask blocks, or of their keys, for one key-value head.
  struct Tile {
    /// All have the queries that the tile is a piece of, or all have the keys.
    var maskBlocks: [MaskBlock]
    /// Queries or keys of the mask blocks, from 0.
    var rows: Range<Int>
    var keyValueHead: Int
  }

  /// One tile for each piece of the queries (or keys) that the mask blocks of a group have in common, and each key-value
  /// head.
  func tiles(_ groups: [[MaskBlock]], of count: KeyPath<MaskBlock, Int>, size: Int) -> [Tile] {
    var tiles: [Tile] = []
    for maskBlocks in groups {
      let all = maskBlocks[0][keyPath: count]
      for start in stride(from: 0, to: all, by: size) {
        for head in 0..<shape.keyValueHeads {
          tiles.append(Tile(maskBlocks: maskBlocks, rows: start..<min(all, start + size), keyValueHead: head))
        }
      }
    }
    return tiles
  }

  /// Copies rows of one head to y [rows, D], scaled, and turned to their positions when there is a table.
  func load(
    _ y: UnsafeMutablePointer<Float>, from source: MatrixView, rows: Int, positions: UnsafePointer<Int32>, scale: Float
  ) {
    let dimension = shape.headDimension
    let target = MatrixView(y, stride: dimension)
    turn(source, to: target, rows: rows, positions: positions, scale: scale, inverse: false, accumulates: false)
    for columns in still {
      for row in 0..<rows {
        let from = source.pointer + row * source.stride + columns.lowerBound
        let to = y + row * dimension + columns.lowerBound
        to.update(from: from, count: columns.count)
        if scale != 1 { kernels.pointee.scale(to, scale, columns.count) }
      }
    }
  }

  /// The reverse of ``load(_:from:rows:positions:scale:)`` for a gradient: target (+)= scale · turned back y.
  func store(
    _ y: UnsafePointer<Float>, to target: MatrixView, rows: Int, positions: UnsafePointer<Int32>, scale: Float,
    accumulates: Bool
  ) {
    let dimension = shape.headDimension
    let source = MatrixView(UnsafeMutablePointer(mutating: y), stride: dimension)
    turn(source, to: target, rows: rows, positions: positions, scale: scale, inverse: true, accumulates: accumulates)
    for columns in still {
      for row in 0..<rows {
        let to = target.pointer + row * target.stride + columns.lowerBound
        if !accumulates { to.update(repeating: 0, count: columns.count) }
        kernels.pointee.axpy(to, scale, y + row * dimension + columns.lowerBound, columns.count)
      }
    }
  }

  /// The columns of a head that positions do not turn.
  var still: [Range<Int>] {
    guard let rotary = shape.rotary else { return [0..<shape.headDimension] }
    return [0..<rotary.start, rotary.start + rotary.dimension..<shape.headDimension].filter { !$0.isEmpty }
  }

  /// The columns that positions turn: y (+)= scale · x, turned.
  private func turn(
    _ x: MatrixView, to y: MatrixView, rows: Int, positions: UnsafePointer<Int32>, scale: Float, inverse: Bool,
    accumulates: Bool
  ) {
    guard let rotary = shape.rotary else { return }
    rotary.turn(
      x.from(row: 0, column: rotary.start), to: y.from(row: 0, column: rotary.start), rows: rows,
      positions: positions, scale: scale, inverse: inverse, accumulates: accumulates, kernels)
  }

  /// The stacked query rows of a tile, turned and scaled: y [G · rows, D].
  func loadQueries(
    _ y: UnsafeMutablePointer<Float>, _ q: HeadRows, row: Int, rows: Int, keyValueHead: Int,
    positions: UnsafePointer<Int32>
  ) {
    let dimension = shape.headDimension
    for member in 0..<shape.group {
      load(
        y + member * rows * dimension, from: q.view(row: row, keyValueHead).from(row: 0, column: member * dimension),
        rows: rows, positions: positions + row, scale: shape.scale)
    }
  }

  /// The stacked rows of a tile of o or its gradient, [T, H·Dv]: y [G · rows, Dv].
  func loadPlain(_ y: UnsafeMutablePointer<Float>, _ source: Tensor, row: Int, rows: Int, keyValueHead: Int) {
    let dimension = shape.valueDimension
    for member in 0..<shape.group {
      let first = source.pointer + row * source.columns + (keyValueHead * shape.group + member) * dimension
      for r in 0..<rows {
        (y + (member * rows + r) * dimension).update(from: first + r * source.columns, count: dimension)
      }
    }
  }

  /// What scores go through after the product: [G · rows, keys] of a tile.
  ///
  /// - Parameters:
  ///   - slopes: Written with the derivative of each score by its product, where scores are capped.
  ///   - distance: How many positions the first query is behind the first key.
  func finish(_ scores: Tensor, slopes: Tensor?, rows: Int, keys: Int, keyValueHead: Int, distance: Int) {
    if let cap = shape.softCap {
      for row in 0..<shape.group * rows {
        let start = row * AttentionTiles.keyRows
        kernels.pointee.soft_cap(scores.pointer + start, slopes.map { $0.pointer + start }, keys, cap)
      }
    }
    guard let costs = shape.slopes else { return }
    for member in 0..<shape.group {
      let cost = costs[keyValueHead * shape.group + member]
      for row in 0..<rows {
        let start = scores.pointer + (member * rows + row) * AttentionTiles.keyRows
        for key in 0..<keys { start[key] -= cost * Float(distance + row - key) }
      }
    }
  }
}
