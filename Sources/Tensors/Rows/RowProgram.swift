/// Operations on the rows of a batch that have been asked for and not been done: they wait until somebody needs what they
/// make, and are then done together, a tile of rows through all of them before the next tile.
///
/// So what one operation writes is still in the cache when the next one reads it, what only they need never takes memory
/// for more than a tile, and the threads meet once for all of them. Tiles are fixed, so the number of threads changes no
/// bit. A tape owns one; see ``Variable/value``.
final class RowProgram {
  /// The most rows of a tile: its arrays stay in the second cache, and products reach their full rate with fewer.
  static let tileRows = 64

  /// Rows of a tile for `rows` in all: the choice that leaves 2 or 4 threads the least time to wait for each other.
  static func tileRows(of rows: Int) -> Int {
    if rows <= tileRows { return tileRows }
    func time(_ size: Int) -> Int {
      let tiles = (rows + size - 1) / size
      return [2, 4].reduce(0) { $0 + (tiles + $1 - 1) / $1 * $1 * size }
    }
    return [tileRows, 56, 48].min { time($0) < time($1) } ?? tileRows
  }

  let compute: Compute
  /// Of the tape.
  let weights: WeightEpoch
  private var rows = 0
  private var parts: [(arrays: [RowArray], work: (RowTile) -> Void)] = []
  private var ends: [[(count: Int, piece: (Int) -> Void)]] = []

  init(compute: Compute, weights: WeightEpoch = WeightEpoch()) {
    self.compute = compute
    self.weights = weights
  }

  /// Adds work on rows after what was added before.
  ///
  /// - Parameters:
  ///   - rows: The number of rows; when it is another than before, what waits is done first.
  ///   - arrays: All that `part` makes and reads with so many rows, but for what a backward pass was to keep.
  ///   - part: Works off a tile; touches nothing of other rows that another tile touches.
  func add(rows: Int, _ arrays: [RowArray], _ part: @escaping (RowTile) -> Void) {
    if rows != self.rows { run() }
    self.rows = rows
    parts.append((arrays, part))
  }

  /// Adds work for when all rows are done, also those of parts that are added later: pieces that may run at the same time.
  ///
  /// It holds the ``GradientBuffer`` of every gradient that it reads.
  func finally(_ work: [() -> Void]) {
    if !work.isEmpty { finally([(work.count, { work[$0]() })]) }
  }

  /// Adds work of several kinds, each in a number of pieces, done as those are.
  func finally(_ work: [(count: Int, piece: (Int) -> Void)]) {
    if !work.isEmpty { ends.append(work) }
  }

  /// Does all that waits.
  func run() {
    if parts.isEmpty && ends.isEmpty { return }
    let (parts, ends) = (parts, ends)
    self.parts = []
    self.ends = []
    let plan = TilePlan(parts.map(\.arrays))
    let height = Self.tileRows(of: rows)
    func memory() -> Tensor { Tensor(uninitialized: [height * plan.columns]) }
    func work(_ rows: Range<Int>) {
      let memory = memory()
      for part in parts { part.work(RowTile(rows: rows, memory: memory.pointer, height: height)) }
    }
    if MemoryCount.current != nil {
      let tiles = (rows + height - 1) / height
      _ = (0..<min(tiles, compute.pool.threads)).map { _ in memory() }
    }
    if rows <= Self.tileRows {
      // A single tile is done here, so that its operations can share their work among the threads.
      if !parts.isEmpty { onElements { work(0..<rows) } }
    } else {
      compute.pieces(of: rows, size: height, work)
    }
    plan.end()
    for work in ends { compute.together(work) }
  }
}
