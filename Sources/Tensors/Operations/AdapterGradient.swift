import CTensorKernels

/// The gradients of the adapters of one input: v_i = scale_i · dy_i B_i, dA_i = v_iᵀ dropout_i(x), dB_i = scale_i · dy_iᵀ u_i.
///
/// A tile of rows is read once for all of them while it is in the cache; each tile leaves its share of dA and dB, and the
/// shares are summed in the order of the tiles. Memory of the shares: R · (in + out) floats a tile.
final class AdapterGradient {
  /// [T, ΣR].
  let v: RowArray
  private let projection: ProjectionGradient
  private let gradients: [RowArray?]
  private let tileRows: Int
  /// [tiles, R, in] and [tiles, R, out] of each adapter that trains and that something came back to.
  private let partialsOfA: [Tensor?]
  private let partialsOfB: [Tensor?]

  private var adapters: StackedAdapters { projection.adapters }
  private var compute: Compute { projection.compute }

  init(_ projection: ProjectionGradient, _ gradients: [RowArray?], rows: Int) {
    let adapters = projection.adapters
    tileRows = RowProgram.tileRows(of: rows)
    let tiles = (rows + tileRows - 1) / tileRows
    self.projection = projection
    self.gradients = gradients
    v = RowArray([rows, adapters.width])
    partialsOfA = gradients.indices.map { index in
      guard gradients[index] != nil, projection.trainsA[index], let adapter = adapters.adapters[index] else {
        return nil
      }
      return Tensor(uninitialized: [tiles, adapter.rank, adapter.a.value.columns])
    }
    partialsOfB = gradients.indices.map { index in
      guard gradients[index] != nil, projection.trainsB[index], let adapter = adapters.adapters[index] else {
        return nil
      }
      return Tensor(uninitialized: [tiles, adapter.rank, adapter.b.value.rows])
    }
  }

  /// Works off one tile of rows.
  func add(_ tile: RowTile) {
    guard let hidden = adapters.hidden else { return }
    let rows = tile.rows
    let kernels = compute.kernels.functions
    let inputs = projection.inputs
    let width = adapters.width
    let partial = rows.lowerBound / tileRows
    let space = Tensor(uninitialized: [rows.count, inputs])
    let dropped = adapters.drops ? Tensor(uninitialized: [rows.count, inputs]) : nil
    let x = projection.saved?.rows(rows, space: space.pointer, kernels) ?? UnsafePointer(space.pointer)
    for (index, adapter) in adapters.adapters.enumerated() {
      guard let adapter, let transposed = adapters.transposedB[index] else { continue }
      let place = adapters.columns[index].lowerBound
      let v = v.first(of: tile) + place
      guard let dy = gradients[index] else {
        for row in 0..<rows.count { (v + row * width).update(repeating: 0, count: adapter.rank) }
        continue
      }
      let source = dy.first(of: tile)
      kernels.pointee.lora_dots(
        v, width, source, dy.columns, transposed.pointer, dy.columns, rows.count, adapter.rank, dy.columns,
        adapter.scale)
      if let partials = partialsOfB[index] {
        kernels.pointee.lora_gather(
          partials.pointer + partial * partials.columns, dy.columns, hidden.first(of: tile) + place, width, source,
          dy.columns,
          rows.count, adapter.rank, dy.columns, adapter.scale)
      }
      if let partials = partialsOfA[index] {
        kernels.pointee.lora_gather(
          partials.pointer + partial * partials.columns, inputs, v, width,
          adapters.droppedRows(of: index, x: x, rows, space: dropped), inputs, rows.count, adapter.rank, inputs, 1)
      }
    }
  }

  /// The sums of the shares, as pieces of work to do once all rows are worked off.
  func sums() -> [() -> Void] {
    var work: [() -> Void] = []
    for (index, adapter) in adapters.adapters.enumerated() {
      guard let adapter else { continue }
      if let partials = partialsOfA[index] {
        let gradient = adapter.a.gradientForAccumulation()
        work.append { [self] in sum(partials, into: gradient.pointer) }
      }
      if let partials = partialsOfB[index] {
        let gradient = adapter.b.gradientForAccumulation()
        work.append { [self] in
          let total = Tensor(shape: [adapter.rank, gradient.rows])
          sum(partials, into: total.pointer)
          for row in 0..<gradient.rows {
            for rank in 0..<adapter.rank {
              gradient.pointer[row * adapter.rank + rank] += total.pointer[rank * gradient.rows + row]
            }
          }
        }
      }
    }
    return work
  }

  private func sum(_ partials: Tensor, into target: UnsafeMutablePointer<Float>) {
    for tile in 0..<partials.rows {
      compute.kernels.functions.pointee.add(
        target, target, partials.pointer + tile * partials.columns, partials.columns)
    }
  }
}
