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
  /// [G · rows, D] each.
  private let queries: Tensor
  private let dO: Tensor
  /// [G · rows, keys] each.
  private let probabilities: Tensor
  let scoreGradients: Tensor
  let product: TileProducts

  init(_ pass: AttentionGradient, row: Int, rows: Int, keyValueHead: Int) {
    (tiles, trace, delta) = (pass.tiles, pass.trace, pass.delta)
    (self.row, self.rows, self.keyValueHead) = (row, rows, keyValueHead)
    let stacked = tiles.group * rows
    queries = Tensor(uninitialized: [stacked, tiles.headDimension])
    dO = Tensor(uninitialized: [stacked, tiles.headDimension])
    probabilities = Tensor(uninitialized: [stacked, AttentionTiles.keyRows])
    scoreGradients = Tensor(uninitialized: [stacked, AttentionTiles.keyRows])
    product = TileProducts(
      tiles, for: (stacked, AttentionTiles.keyRows, tiles.headDimension),
      (stacked, tiles.headDimension, AttentionTiles.keyRows), (AttentionTiles.keyRows, tiles.headDimension, stacked))
    tiles.loadQueries(
      queries.pointer, trace.q.pointer, row: row, rows: rows, keyValueHead: keyValueHead, positions: pass.positions)
    tiles.loadPlain(dO.pointer, pass.dO.pointer, row: row, rows: rows, keyValueHead: keyValueHead)
  }

  /// Fills p and ds for the queries × keys.
  ///
  /// - Parameter limit: How many of the keys the first query sees; each one after it sees one more.
  func score(keyRow: Int, keys: Int, limit: Int) {
    let column = keyValueHead * tiles.headDimension
    let stacked = tiles.group * rows
    let seen = tk_causal(keys: tk_keys_are_columns, rows: rows, limit: limit)
    product(
      MatrixView(queries), MatrixView(trace.k).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(probabilities), m: stacked, n: keys, k: tiles.headDimension, seen: seen)
    product(
      MatrixView(dO), MatrixView(trace.v).from(row: keyRow, column: column), transposesB: true,
      into: MatrixView(scoreGradients), m: stacked, n: keys, k: tiles.headDimension, seen: seen)
    let count = trace.q.rows
    for member in 0..<tiles.group {
      let start = member * rows * AttentionTiles.keyRows
      let place = (keyValueHead * tiles.group + member) * count + row
      tiles.kernels.pointee.probability_rows(
        probabilities.pointer + start, AttentionTiles.keyRows, rows, keys, limit, trace.logSums.pointer + place)
      tiles.kernels.pointee.score_gradient_rows(
        scoreGradients.pointer + start, probabilities.pointer + start, AttentionTiles.keyRows, rows, keys,
        delta.pointer + place, 1)
    }
  }

  /// dv += pᵀ dO and dk += dsᵀ q for the pair that was scored last, from row `first` of the sums on.
  func add(to sums: KeyGradientSums, from first: Int, keys: Int, limit: Int) {
    let stacked = tiles.group * rows
    let seen = tk_causal(keys: tk_keys_are_rows, rows: rows, limit: limit)
    product(
      MatrixView(probabilities), transposesA: true, MatrixView(dO), into: MatrixView(sums.values).from(row: first),
      m: keys, n: tiles.headDimension, k: stacked, accumulates: true, seen: seen)
    // The queries carry `scale` already.
    product(
      MatrixView(scoreGradients), transposesA: true, MatrixView(queries), into: MatrixView(sums.keys).from(row: first),
      m: keys, n: tiles.headDimension, k: stacked, accumulates: true, seen: seen)
  }
}
