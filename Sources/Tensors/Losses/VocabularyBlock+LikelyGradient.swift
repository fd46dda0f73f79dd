import CTensorKernels

extension VocabularyBlock {
  /// The probability below which a token has no part of its own in the gradient of x, in classes that round operands.
  ///
  /// Wijmans et al. 2024, "Cut Your Losses in Large-Vocabulary Language Models", leave out what is below 2⁻¹². Here the
  /// tokens that are left out of a row count as if each were the mean row of the head: leaving them out altogether would
  /// pull every row the same way. With 2⁻¹⁵ a tenth of SmolLM2's vocabulary is left for 64 rows, and the gradient of x
  /// moves by 0.14 %; rounding the operands to bfloat16 moves it by 0.23 %.
  static let leastProbability: Float = 0x1p-15

  /// Chunks that one part of the gradient's sum comes from.
  private static let chunksOfPart = 4
  /// Columns that are multiplied together: their rows of the head stay in the second cache.
  private static let depth = 256

  /// dx from the columns that get a probability that counts from some row of a tile, and from the targets.
  ///
  /// - Parameters:
  ///   - derivative: Without a divergence. Of ε/V all columns have the same, which is ε of the mean row.
  ///   - table: The head.
  func likelyGradient(_ derivative: LabelDerivative, dx: Tensor, table: RowTable) {
    let width = x.columns
    let parts = (chunks + Self.chunksOfPart - 1) / Self.chunksOfPart
    let tiles = (rows.count + RowProgram.tileRows - 1) / RowProgram.tileRows
    let partial = Tensor(uninitialized: [parts, rows.count, width])
    // Σ c p of the columns that are taken: [parts, rows].
    let taken = Tensor(shape: [parts, rows.count])
    compute.pool.tiles(parts * tiles) { index in
      let first = index / parts * RowProgram.tileRows
      let tile = first..<min(rows.count, first + RowProgram.tileRows)
      let part = index % parts
      let target = MatrixView(partial.pointer + (part * rows.count + first) * width, stride: width)
      let gradients = Tensor(uninitialized: [tile.count, Self.depth])
      let scratch = table.scratch(rows: tile.count, depth: Self.depth)
      var adds = false
      for chunk in part * Self.chunksOfPart..<min(chunks, (part + 1) * Self.chunksOfPart) {
        let likely = likelyColumns(chunk, tile)
        for start in stride(from: 0, to: likely.count, by: Self.depth) {
          let some = likely[start..<min(likely.count, start + Self.depth)]
          some.withUnsafeBufferPointer { columns in
            takeGradients(
              of: columns, chunk, tile, derivative, into: gradients, sums: taken.pointer + part * rows.count)
            table.multiply(
              MatrixView(gradients), rows: tile.count, columns, from: self.columns(chunk).lowerBound, into: target,
              accumulates: adds, scratch: scratch)
          }
          adds = true
        }
      }
      if !adds { target.pointer.update(repeating: 0, count: tile.count * width) }
    }
    sum(partial, into: dx)
    onElements {
      for row in 0..<rows.count {
        let all = derivative.targets[rows.lowerBound + row] * (1 - derivative.smoothing)
        let some = (0..<parts).reduce(Float(0)) { $0 + taken.pointer[$1 * rows.count + row] }
        compute.kernels.functions.pointee.axpy(
          dx.pointer + (rows.lowerBound + row) * width, all - some, table.mean.pointer, width)
      }
    }
  }

  /// The columns of a chunk that count for some row of a tile, ascending, from the start of the chunk.
  private func likelyColumns(_ chunk: Int, _ tile: Range<Int>) -> [UInt32] {
    let all = columns(chunk)
    let factors = tile.map { factor($0, chunk) }
    var likely: [UInt32] = []
    // The largest score of a row in a chunk is kept as 1.
    if factors.contains(where: { $0 >= Self.leastProbability }) {
      let largest = Tensor(uninitialized: [all.count])
      let view = view(chunk).from(row: tile.lowerBound)
      likely = [UInt32](unsafeUninitializedCapacity: all.count) { columns, count in
        count = compute.kernels.functions.pointee.columns_above(
          columns.baseAddress, largest.pointer, view.pointer, view.stride, tile.count, all.count, factors,
          Self.leastProbability)
      }
    }
    for row in tile where chunkOfTarget(row) == chunk {
      let target = targetColumn(row, chunk)
      let place = likely.partitioningIndex(reaching: target)
      if place == likely.count || likely[place] != target { likely.insert(target, at: place) }
    }
    return likely
  }

  /// c · (p − (1 − ε)1[target]) of some columns of a chunk: [rows of the tile, `depth`]; adds Σ c p to `sums` of the rows.
  private func takeGradients(
    of columns: UnsafeBufferPointer<UInt32>, _ chunk: Int, _ tile: Range<Int>, _ derivative: LabelDerivative,
    into gradients: Tensor, sums: UnsafeMutablePointer<Float>
  ) {
    let view = view(chunk)
    for row in tile {
      let target = gradients.pointer + (row - tile.lowerBound) * Self.depth
      let weight = derivative.targets[rows.lowerBound + row]
      compute.kernels.functions.pointee.gather(
        target, view.pointer + row * view.stride, columns.baseAddress, columns.count, weight * factor(row, chunk))
      sums[row] += (0..<columns.count).reduce(Float(0)) { $0 + target[$1] }
      if chunkOfTarget(row) == chunk {
        let column = targetColumn(row, chunk)
        let place = columns.partitioningIndex(reaching: column)
        if place < columns.count, columns[place] == column { target[place] -= weight * (1 - derivative.smoothing) }
      }
    }
  }

  /// The column of a row's target from the start of its chunk.
  private func targetColumn(_ row: Int, _ chunk: Int) -> UInt32 {
    UInt32(Int(targets[rows.lowerBound + row]) - columns(chunk).lowerBound)
  }
}

extension RandomAccessCollection where Element == UInt32, Index == Int {
  /// The first place of an ascending collection that holds `value` or more.
  fileprivate func partitioningIndex(reaching value: UInt32) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
