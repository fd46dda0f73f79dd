import CTensorKernels

/// What queries send to some keys of one key-value head: the gradients of the turned keys [keys, D] and of the values
/// [keys, Dv].
struct KeyGradientSums {
  let keys: Tensor
  let values: Tensor

  /// Zeros.
  init(keys count: Int, _ shape: AttentionShape) {
    keys = Tensor(shape: [count, shape.headDimension])
    values = Tensor(shape: [count, shape.valueDimension])
  }

  var count: Int { keys.rows }
}

/// What short segments send to the keys of the segments above them, until the tiles of those keys add it up.
struct PartialKeyGradients {
  /// The most queries of a segment that one tile takes whole.
  private static let shortSegment = 4 * AttentionTiles.queryRows

  /// Whether a segment is one tile: when it is short, and what it sends does not outgrow it by much.
  static func holds(_ segment: SequenceLayout.Segment) -> Bool {
    segment.count <= shortSegment && segment.position <= 4 * segment.count
  }

  /// The first row of what a segment sends, the first segment above it first.
  let first: [Int]
  /// For each segment the rows from which on there is what segments below it send, in the order of those.
  let parts: [[Int]]
  /// [rows, K·D].
  private let keys: Tensor
  /// [rows, K·Dv].
  private let values: Tensor

  init(_ segments: [SequenceLayout.Segment], isShort: [Bool], _ tiles: AttentionTiles) {
    var first: [Int] = []
    var parts = [[Int]](repeating: [], count: segments.count)
    var rows = 0
    for (segment, isShort) in zip(segments, isShort) {
      first.append(rows)
      if !isShort { continue }
      for above in segment.ancestors {
        parts[above].append(rows)
        rows += segments[above].count
      }
    }
    self.first = first
    self.parts = parts
    let shape = tiles.shape
    keys = Tensor(uninitialized: [rows, shape.keyValueHeads * shape.headDimension])
    values = Tensor(uninitialized: [rows, shape.keyValueHeads * shape.valueDimension])
  }

  /// Takes the first `rows` of `sums` as rows from `first` on.
  func keep(_ sums: KeyGradientSums, rows: Int, at first: Int, keyValueHead: Int) {
    for (part, whole) in [(sums.keys, keys), (sums.values, values)] {
      for row in 0..<rows {
        place(whole, first + row, keyValueHead, part.columns)
          .update(from: part.pointer + row * part.columns, count: part.columns)
      }
    }
  }

  /// Adds rows to all of `sums`.
  func add(from first: Int, keyValueHead: Int, to sums: KeyGradientSums, _ kernels: UnsafePointer<tk_kernels>) {
    for (part, whole) in [(sums.keys, keys), (sums.values, values)] {
      for row in 0..<sums.count {
        let target = part.pointer + row * part.columns
        kernels.pointee.add(target, target, place(whole, first + row, keyValueHead, part.columns), part.columns)
      }
    }
  }

  private func place(_ whole: Tensor, _ row: Int, _ keyValueHead: Int, _ width: Int) -> UnsafeMutablePointer<Float> {
    whole.pointer + row * whole.columns + keyValueHead * width
  }
}
