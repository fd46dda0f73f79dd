import CTensorKernels

/// What queries send to some keys of one key-value head: the gradients of the turned keys and of the values, [keys, D] each.
struct KeyGradientSums {
  let keys: Tensor
  let values: Tensor

  /// Zeros.
  init(keys count: Int, headDimension: Int) {
    keys = Tensor(shape: [count, headDimension])
    values = Tensor(shape: [count, headDimension])
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
  private let headDimension: Int
  /// [rows, K·D] each.
  private let keys: Tensor
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
    headDimension = tiles.headDimension
    keys = Tensor(uninitialized: [rows, tiles.keyStride])
    values = Tensor(uninitialized: [rows, tiles.keyStride])
  }

  /// Takes the first `rows` of `sums` as rows from `first` on.
  func keep(_ sums: KeyGradientSums, rows: Int, at first: Int, keyValueHead: Int) {
    for row in 0..<rows {
      let place = place(first + row, keyValueHead)
      (keys.pointer + place).update(from: sums.keys.pointer + row * headDimension, count: headDimension)
      (values.pointer + place).update(from: sums.values.pointer + row * headDimension, count: headDimension)
    }
  }

  /// Adds rows to all of `sums`.
  func add(from first: Int, keyValueHead: Int, to sums: KeyGradientSums, _ kernels: UnsafePointer<tk_kernels>) {
    for row in 0..<sums.count {
      let (place, target) = (place(first + row, keyValueHead), row * headDimension)
      kernels.pointee.add(sums.keys.pointer + target, sums.keys.pointer + target, keys.pointer + place, headDimension)
      kernels.pointee.add(
        sums.values.pointer + target, sums.values.pointer + target, values.pointer + place, headDimension)
    }
  }

  private func place(_ row: Int, _ keyValueHead: Int) -> Int { row * keys.columns + keyValueHead * headDimension }
}
