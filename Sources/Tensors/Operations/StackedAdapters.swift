import CTensorKernels

/// The low-rank adapters of the projections of one input, with their A stacked to one matrix [ΣR, in].
///
/// u = dropout(x) Aᵀ is [T, ΣR]; each adapter owns the columns `columns[i]` of it.
final class StackedAdapters {
  /// One an adapter, in the order of the projections; nil for a projection without one.
  let adapters: [LowRankAdapter?]
  let columns: [Range<Int>]
  let width: Int
  /// [ΣR, in]; nil without adapters.
  let stackedA: Tensor?
  /// u of the forward pass; nil without adapters.
  let hidden: Tensor?
  /// The dropout key of each adapter; nil when nothing is dropped.
  private let keys: [RandomKey]?
  private let compute: Compute

  init(_ projections: [Projection], input: Tensor, tape: Tape) {
    compute = tape.compute
    adapters = projections.map(\.adapter)
    var columns: [Range<Int>] = []
    var width = 0
    for adapter in adapters {
      columns.append(width..<width + (adapter?.rank ?? 0))
      width += adapter?.rank ?? 0
    }
    self.columns = columns
    self.width = width
    let drops = tape.drops && adapters.contains { ($0?.dropout ?? 0) > 0 }
    keys = drops ? adapters.map { tape.step.child($0?.dropoutStream ?? 0) } : nil
    if width > 0 {
      let stack = Tensor(uninitialized: [width, input.columns])
      for (adapter, rows) in zip(adapters, columns) {
        if let a = adapter?.a.value {
          (stack.pointer + rows.lowerBound * input.columns).update(from: a.pointer, count: a.count)
        }
      }
      stackedA = stack
      hidden = Tensor(uninitialized: [input.rows, width])
    } else {
      stackedA = nil
      hidden = nil
    }
  }

  /// u = dropout(x) Aᵀ.
  func forward(x: Tensor, into u: Tensor) {
    guard let stackedA else { return }
    compute.pieces(of: x.rows, size: TileGrid.activationTile.rows) { rows in
      let source = MatrixView(x).from(row: rows.lowerBound)
      let target = MatrixView(u).from(row: rows.lowerBound)
      guard keys != nil else {
        multiply(
          source, MatrixView(stackedA), transposesB: true, into: target, m: rows.count, n: width, k: x.columns)
        return
      }
      let dropped = Tensor(uninitialized: [rows.count, x.columns])
      for index in adapters.indices where adapters[index] != nil {
        let part = columns[index]
        drop(index, x, rows, into: dropped.pointer)
        multiply(
          MatrixView(dropped), MatrixView(stackedA).from(row: part.lowerBound), transposesB: true,
          into: target.from(row: 0, column: part.lowerBound), m: rows.count, n: part.count, k: x.columns)
      }
    }
  }

  /// dropout_i(x), or x itself when nothing is dropped.
  func droppedInput(of index: Int, x: Tensor) -> Tensor {
    guard mask(of: index) != nil else { return x }
    let dropped = Tensor(uninitialized: x.shape)
    compute.pieces(of: x.rows, size: TileGrid.activationTile.rows) { rows in
      drop(index, x, rows, into: dropped.pointer + rows.lowerBound * x.columns)
    }
    return dropped
  }

  /// Writes dropout_i of some rows of x.
  private func drop(_ index: Int, _ x: Tensor, _ rows: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    let first = rows.lowerBound * x.columns
    let count = rows.count * x.columns
    if let (key, threshold, scale) = mask(of: index) {
      compute.kernels.functions.pointee.dropout(
        target, x.pointer + first, count, UInt64(first), key.seed, threshold, scale)
    } else {
      target.update(from: x.pointer + first, count: count)
    }
  }

  /// y += scale · u_i B_iᵀ for a tile.
  func addOutput(of index: Int, _ rows: Range<Int>, _ outputs: Range<Int>, to y: MatrixView) {
    guard let adapter = adapters[index], let hidden else { return }
    multiply(
      MatrixView(hidden).from(row: rows.lowerBound, column: columns[index].lowerBound),
      MatrixView(adapter.b.value).from(row: outputs.lowerBound), transposesB: true, into: y, m: rows.count,
      n: outputs.count, k: adapter.rank, scale: adapter.scale, accumulates: true)
  }

  /// dx[rows, columns] += v A without dropout: v = scale · dy B of all adapters, [T, ΣR].
  func addPlainInputGradient(_ v: Tensor, _ rows: Range<Int>, _ inputs: Range<Int>, to dx: MatrixView) {
    guard keys == nil, let stackedA else { return }
    multiply(
      MatrixView(v).from(row: rows.lowerBound), MatrixView(stackedA).from(row: 0, column: inputs.lowerBound), into: dx,
      m: rows.count, n: inputs.count, k: width, accumulates: true)
  }

  /// dx += dropout_i(v_i A_i) for whole rows and all adapters, when there is dropout.
  func addDroppedInputGradient(_ v: Tensor, to dx: Tensor) {
    guard keys != nil, let stackedA else { return }
    let inputs = dx.columns
    compute.pieces(of: dx.rows, size: TileGrid.activationTile.rows) { rows in
      let product = Tensor(uninitialized: [rows.count, inputs])
      let first = rows.lowerBound * inputs
      for index in adapters.indices where adapters[index] != nil {
        let part = columns[index]
        multiply(
          MatrixView(v).from(row: rows.lowerBound, column: part.lowerBound),
          MatrixView(stackedA).from(row: part.lowerBound), into: MatrixView(product), m: rows.count, n: inputs,
          k: part.count)
        if let (key, threshold, scale) = mask(of: index) {
          compute.kernels.functions.pointee.dropout_add(
            dx.pointer + first, product.pointer, product.count, UInt64(first), key.seed, threshold, scale)
        } else {
          compute.kernels.functions.pointee.add(
            dx.pointer + first, dx.pointer + first, product.pointer, product.count)
        }
      }
    }
  }

  /// What decides the mask of an adapter; nil when it drops nothing.
  private func mask(of index: Int) -> (key: RandomKey, threshold: UInt32, scale: Float)? {
    guard let keys, let dropout = adapters[index]?.dropout, dropout > 0 else { return nil }
    return (keys[index], UInt32(Double(dropout) * 0x1p32), 1 / (1 - dropout))
  }
}
