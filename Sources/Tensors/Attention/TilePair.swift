import CTensorKernels

/// A tile of queries with what comes back to them, and the arrays of one pair with a tile of keys.
struct TilePair {
  private let tiles: AttentionTiles
  private let trace: AttentionTrace
  private let delta: Tensor
  /// The first row of the queries.
  private let row: Int
  private let rows: Int
  private let keyValueHead: Int
  /// [G · rows, D].
  private let queries: Tensor
  /// [G · rows, Dv].
  private let dO: Tensor
  /// [G · rows, keys] each.
  private let probabilities: Tensor
  let scoreGradients: Tensor
  /// What the cap leaves of each score's derivative; nil where scores are not capped.
  private let slopes: Tensor?
  let product: TileProducts

  init(_ pass: AttentionGradient, row: Int, rows: Int, keyValueHead: Int) {
    (tiles, trace, delta) = (pass.tiles, pass.trace, pass.delta)
    (self.row, self.rows, self.keyValueHead) = (row, rows, keyValueHead)
    let shape = tiles.shape
    let stacked = shape.group * rows
    let keys = AttentionTiles.keyRows
    queries = Tensor(uninitialized: [stacked, shape.headDimension])
    dO = Tensor(uninitialized: [stacked, shape.valueDimension])
    probabilities = Tensor(uninitialized: [stacked, keys])
    scoreGradients = Tensor(uninitialized: [stacked, keys])
    slopes = shape.softCap.map { _ in Tensor(uninitialized: [stacked, keys]) }
    let wide = max(shape.headDimension, shape.valueDimension)
    product = TileProducts(tiles, for: (stacked, keys, wide), (stacked, wide, keys), (keys, wide, stacked))
    tiles.loadQueries(
      queries.pointer, trace.q, row: row, rows: rows, keyValueHead: keyValueHead, positions: pass.positions)
    tiles.loadPlain(dO.pointer, pass.dO, row: row, rows: rows, keyValueHead: keyValueHead)
  }

  /// Fills p and ds for the queries × keys.
  ///
  /// - Parameters:
  ///   - begin: Before which key the first query sees nothing; for each one after it that is one further.
  ///   - limit: How many of the keys the first query sees; each one after it sees one more.
  func score(keyRow: Int, keys: Int, begin: Int, limit: Int) {
    let shape = tiles.shape
    let stacked = shape.group * rows
    let seen = tk_causal(keys: tk_keys_are_columns, rows: rows, limit: limit)
    product(
      MatrixView(queries), trace.k.view(row: keyRow, keyValueHead), transposesB: true,
      into: MatrixView(probabilities), m: stacked, n: keys, k: shape.headDimension, seen: seen)
    product(
      MatrixView(dO), trace.v.view(row: keyRow, keyValueHead), transposesB: true, into: MatrixView(scoreGradients),
      m: stacked, n: keys, k: shape.valueDimension, seen: seen)
    tiles.finish(
      probabilities, slopes: slopes, rows: rows, keys: keys, keyValueHead: keyValueHead, distance: limit - 1)
    let count = trace.o.rows
    for member in 0..<shape.group {
      let start = member * rows * AttentionTiles.keyRows
      let place = (keyValueHead * shape.group + member) * count + row
      tiles.kernels.pointee.probability_rows(
        probabilities.pointer + start, AttentionTiles.keyRows, rows, keys, begin, limit, trace.logSums.pointer + place)
      tiles.kernels.pointee.score_gradient_rows(
        scoreGradients.pointer + start, probabilities.pointer + start, AttentionTiles.keyRows, rows, keys,
        delta.pointer + place, 1)
    }
    guard let slopes else { return }
    for row in 0..<stacked {
      let start = row * AttentionTiles.keyRows
      for key in start..<start + keys { scoreGradients.pointer[key] *= slopes.pointer[key] }
    }
  }

  /// dv += pᵀ dO and dk += dsᵀ q for the pair that was scored last, from row `first` of the sums on.
  func add(to sums: KeyGradientSums, from first: Int, keys: Int, limit: Int) {
    let stacked = tiles.shape.group * rows
    let seen = tk_causal(keys: tk_keys_are_rows, rows: rows, limit: limit)
    product(
      MatrixView(probabilities), transposesA: true, MatrixView(dO), into: MatrixView(sums.values).from(row: first),
      m: keys, n: tiles.shape.valueDimension, k: stacked, accumulates: true, seen: seen)
    // The queries carry `scale` already.
    product(
      MatrixView(scoreGradients), transposesA: true, MatrixView(queries), into: MatrixView(sums.keys).from(row: first),
      m: keys, n: tiles.shape.headDimension, k: stacked, accumulates: true, seen: seen)
  }
}
