import CTensorKernels

/// The backward pass of ``Tape/project(_:_:)``.
///
/// With v_i = scale_i · dy_i B_i: dx = Σ dy_i W_i + dropout_i(v_i A_i), dW_i = dy_iᵀ x, dB_i = scale_i · dy_iᵀ u_i,
/// dA_i = v_iᵀ dropout_i(x), dbias_i = Σ_rows dy_i.
struct ProjectionGradient {
  let x: Variable
  let projections: [Projection]
  let adapters: StackedAdapters
  let compute: Compute
  let trainsWeight: [Bool]
  let trainsBias: [Bool]
  let trainsA: [Bool]
  let trainsB: [Bool]

  /// - Parameter gradients: dy of each projection, nil for one that nothing came back to.
  func run(_ gradients: [Tensor?]) {
    if gradients.allSatisfy({ $0 == nil }) { return }
    let v = adapters.hidden == nil ? nil : adapterGradient(gradients)
    var work: [() -> Void] = []
    var droppedTarget: Tensor?
    if x.needsGradient {
      let (dx, accumulates) = x.gradientTarget()
      droppedTarget = dx
      addInputTiles(gradients, v, dx, accumulates, to: &work)
    }
    for (index, dy) in gradients.enumerated() {
      guard let dy else { continue }
      addWeightTiles(index, dy, to: &work)
      if let v { addAdapterTiles(index, dy, v, to: &work) }
    }
    compute.together(work)
    if let v, let droppedTarget { adapters.addDroppedInputGradient(v, to: droppedTarget) }
  }

  /// v = scale · dy B for all adapters: [T, ΣR].
  private func adapterGradient(_ gradients: [Tensor?]) -> Tensor {
    let v = Tensor(uninitialized: [x.value.rows, adapters.width])
    compute.pieces(of: v.rows, size: TileGrid.activationTile.rows) { rows in
      for (index, adapter) in adapters.adapters.enumerated() {
        guard let adapter else { continue }
        let target = MatrixView(v).from(row: rows.lowerBound, column: adapters.columns[index].lowerBound)
        if let dy = gradients[index] {
          multiply(
            MatrixView(dy).from(row: rows.lowerBound), MatrixView(adapter.b.value), into: target, m: rows.count,
            n: adapter.rank, k: dy.columns, scale: adapter.scale)
        } else {
          for row in 0..<rows.count {
            (target.pointer + row * target.stride).update(repeating: 0, count: adapter.rank)
          }
        }
      }
    }
    return v
  }

  private func addInputTiles(
    _ gradients: [Tensor?], _ v: Tensor?, _ dx: Tensor, _ accumulates: Bool, to work: inout [() -> Void]
  ) {
    let grid = TileGrid(rows: dx.rows, columns: dx.columns, tile: TileGrid.activationTile)
    for tile in 0..<grid.count {
      work.append {
        let (rows, columns) = grid[tile]
        let target = MatrixView(dx).from(row: rows.lowerBound, column: columns.lowerBound)
        var adds = accumulates
        for (projection, dy) in zip(projections, gradients) {
          guard let dy else { continue }
          projection.weight.applyTransposed(
            to: MatrixView(dy).from(row: rows.lowerBound), rows: rows.count, outputs: 0..<dy.columns, inputs: columns,
            into: target, accumulates: adds)
          adds = true
        }
        if let v { adapters.addPlainInputGradient(v, rows, columns, to: target) }
      }
    }
  }

  private func addWeightTiles(_ index: Int, _ dy: Tensor, to work: inout [() -> Void]) {
    let projection = projections[index]
    if trainsWeight[index], let parameter = projection.weight.parameter {
      let gradient = parameter.gradientForAccumulation()
      let grid = TileGrid(rows: dy.columns, columns: x.value.columns, tile: TileGrid.weightTile)
      for tile in 0..<grid.count {
        work.append {
          let (rows, columns) = grid[tile]
          multiply(
            MatrixView(dy).from(row: 0, column: rows.lowerBound), transposesA: true,
            MatrixView(x.value).from(row: 0, column: columns.lowerBound),
            into: MatrixView(gradient).from(row: rows.lowerBound, column: columns.lowerBound), m: rows.count,
            n: columns.count, k: dy.rows, accumulates: true)
        }
      }
    }
    if trainsBias[index], let bias = projection.bias {
      let gradient = bias.gradientForAccumulation()
      work.append { [compute] in
        for row in 0..<dy.rows {
          compute.kernels.functions.pointee.add(
            gradient.pointer, gradient.pointer, dy.pointer + row * dy.columns, dy.columns)
        }
      }
    }
  }

  private func addAdapterTiles(_ index: Int, _ dy: Tensor, _ v: Tensor, to work: inout [() -> Void]) {
    guard let adapter = adapters.adapters[index], let hidden = adapters.hidden else { return }
    let part = adapters.columns[index]
    if trainsB[index] {
      let gradient = adapter.b.gradientForAccumulation()
      let grid = TileGrid(rows: dy.columns, columns: adapter.rank, tile: TileGrid.weightTile)
      for tile in 0..<grid.count {
        work.append {
          let (rows, columns) = grid[tile]
          multiply(
            MatrixView(dy).from(row: 0, column: rows.lowerBound), transposesA: true,
            MatrixView(hidden).from(row: 0, column: part.lowerBound + columns.lowerBound),
            into: MatrixView(gradient).from(row: rows.lowerBound, column: columns.lowerBound), m: rows.count,
            n: columns.count, k: dy.rows, scale: adapter.scale, accumulates: true)
        }
      }
    }
    if trainsA[index] {
      let gradient = adapter.a.gradientForAccumulation()
      let dropped = adapters.droppedInput(of: index, x: x.value)
      let grid = TileGrid(rows: adapter.rank, columns: x.value.columns, tile: TileGrid.weightTile)
      for tile in 0..<grid.count {
        work.append {
          let (rows, columns) = grid[tile]
          multiply(
            MatrixView(v).from(row: 0, column: part.lowerBound + rows.lowerBound), transposesA: true,
            MatrixView(dropped).from(row: 0, column: columns.lowerBound),
            into: MatrixView(gradient).from(row: rows.lowerBound, column: columns.lowerBound), m: rows.count,
            n: columns.count, k: v.rows, accumulates: true)
        }
      }
    }
  }
}
