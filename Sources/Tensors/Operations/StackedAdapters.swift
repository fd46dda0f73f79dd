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
  let hidden: RowArray?
  /// Bᵀ [R, out] of each adapter: the narrow products read rows as long as the activations'.
  let transposedB: [Tensor?]
  /// The dropout key of each adapter; nil when nothing is dropped.
  private let keys: [RandomKey]?
  private let compute: Compute

  /// - Parameter keepsHidden: Whether u stays for the backward pass.
  init(_ projections: [Projection], input: RowArray, keepsHidden: Bool, tape: Tape) {
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
    transposedB = adapters.map { $0?.b.value.transposed() }
    if width > 0 {
      let stack = Tensor(uninitialized: [width, input.columns])
      onElements { [adapters] in
        for (adapter, rows) in zip(adapters, columns) {
          if let a = adapter?.a.value {
            (stack.pointer + rows.lowerBound * input.columns).update(from: a.pointer, count: a.count)
          }
        }
      }
      stackedA = stack
      let made = RowArray([input.rows, width])
      hidden = keepsHidden ? tape.keep(made) : made
    } else {
      stackedA = nil
      hidden = nil
    }
  }

  /// u = dropout(x) Aᵀ for a tile.
  ///
  /// - Parameter x: The first of its rows.
  func forward(_ x: UnsafePointer<Float>, _ tile: RowTile) {
    guard let stackedA, let hidden else { return }
    let rows = tile.rows
    let inputs = stackedA.columns
    let target = hidden.first(of: tile)
    let dots = compute.kernels.functions.pointee.lora_dots
    guard keys != nil else {
      dots?(target, width, x, inputs, stackedA.pointer, inputs, rows.count, width, inputs, 1)
      return
    }
    let dropped = Tensor(uninitialized: [rows.count, inputs])
    for index in adapters.indices where adapters[index] != nil {
      let part = columns[index]
      let own = droppedRows(of: index, x: x, rows, space: dropped)
      dots?(
        target + part.lowerBound, width, own, inputs, stackedA.pointer + part.lowerBound * inputs, inputs, rows.count,
        part.count, inputs, 1)
    }
  }

  /// Some rows of dropout_i(x): those of x itself, or written to `space` [rows, in].
  ///
  /// - Parameter x: The first of the rows.
  func droppedRows(
    of index: Int, x: UnsafePointer<Float>, _ rows: Range<Int>, space: Tensor?
  ) -> UnsafePointer<Float> {
    guard let space, let (key, threshold, scale) = mask(of: index) else { return x }
    compute.kernels.functions.pointee.dropout(
      space.pointer, x, rows.count * space.columns, UInt64(rows.lowerBound * space.columns), key.seed, threshold, scale)
    return UnsafePointer(space.pointer)
  }

  /// Whether adapters see an input of their own each.
  var drops: Bool { keys != nil }

  /// y += scale · u_i B_iᵀ for a tile.
  func addOutput(of index: Int, _ tile: RowTile, _ outputs: Range<Int>, to y: MatrixView) {
    guard let adapter = adapters[index], let hidden, let transposed = transposedB[index] else { return }
    compute.kernels.functions.pointee.lora_add(
      y.pointer, y.stride, hidden.first(of: tile) + columns[index].lowerBound, width,
      transposed.pointer + outputs.lowerBound, transposed.columns, tile.rows.count, adapter.rank, outputs.count,
      adapter.scale)
  }

  /// dx[tile, columns] += v A without dropout: v = scale · dy B of all adapters, [T, ΣR].
  func addPlainInputGradient(_ v: RowArray, _ tile: RowTile, _ inputs: Range<Int>, to dx: MatrixView) {
    guard keys == nil, let stackedA else { return }
    compute.kernels.functions.pointee.lora_add(
      dx.pointer, dx.stride, v.first(of: tile), width, stackedA.pointer + inputs.lowerBound, stackedA.columns,
      tile.rows.count, width, inputs.count, 1)
  }

  /// dx += dropout_i(v_i A_i) for a tile and all adapters, when there is dropout.
  ///
  /// - Parameter dx: The first of its rows.
  func addDroppedInputGradient(_ v: RowArray, _ tile: RowTile, to dx: UnsafeMutablePointer<Float>) {
    guard keys != nil, let stackedA else { return }
    let inputs = stackedA.columns
    let product = Tensor(uninitialized: [tile.rows.count, inputs])
    let kernels = compute.kernels.functions.pointee
    let first = UInt64(tile.rows.lowerBound * inputs)
    for index in adapters.indices where adapters[index] != nil {
      let part = columns[index]
      product.pointer.update(repeating: 0, count: product.count)
      kernels.lora_add(
        product.pointer, inputs, v.first(of: tile) + part.lowerBound, width,
        stackedA.pointer + part.lowerBound * inputs, inputs, tile.rows.count, part.count, inputs, 1)
      if let (key, threshold, scale) = mask(of: index) {
        kernels.dropout_add(dx, product.pointer, product.count, first, key.seed, threshold, scale)
      } else {
        kernels.add(dx, dx, product.pointer, product.count)
      }
    }
  }

  /// What decides the mask of an adapter; nil when it drops nothing.
  private func mask(of index: Int) -> (key: RandomKey, threshold: UInt32, scale: Float)? {
    guard let keys, let dropout = adapters[index]?.dropout, dropout > 0 else { return nil }
    return (keys[index], UInt32(Double(dropout) * 0x1p32), 1 / (1 - dropout))
  }
}
