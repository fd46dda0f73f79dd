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
    let halves = zip(projections, gradients).map { projection, dy in
      x.needsGradient && projection.weight.takesHalves
        ? dy.map { HalfMatrix(rows: $0.rows, columns: $0.columns) } : nil
    }
    let parts = adapters.hidden.map { _ in AdapterGradient(self, gradients) }
    if parts != nil || halves.contains(where: { $0 != nil }) {
      compute.pieces(of: x.value.rows, size: PackedMatrix.rows) { rows in
        for case (let dy?, let half?) in zip(gradients, halves) {
          half.take(
            MatrixView(dy).from(row: rows.lowerBound), rows: rows.count, at: rows.lowerBound,
            compute.kernels.functions)
        }
        parts?.add(rows)
      }
    }
    var work: [() -> Void] = []
    var droppedTarget: Tensor?
    if x.needsGradient {
      let (dx, accumulates) = x.gradientTarget()
      droppedTarget = dx
      addInputTiles(gradients, halves, parts?.v, dx, accumulates, to: &work)
    }
    for (index, dy) in gradients.enumerated() {
      if let dy { addWeightTiles(index, dy, to: &work) }
    }
    parts?.addSums(to: &work)
    compute.together(work)
    if let parts, let droppedTarget { adapters.addDroppedInputGradient(parts.v, to: droppedTarget) }
  }

  private func addInputTiles(
    _ gradients: [Tensor?], _ halves: [HalfMatrix?], _ v: Tensor?, _ dx: Tensor, _ accumulates: Bool,
    to work: inout [() -> Void]
  ) {
    let packed = zip(projections, halves).map { $1 == nil ? nil : $0.weight.packedBackward(compute) }
    let grid = TileGrid(
      rows: dx.rows, columns: dx.columns,
      tile: packed.lazy.compactMap { $0 }.first.map { (PackedMatrix.rows, $0.tileColumns(rows: dx.rows)) }
        ?? TileGrid.activationTile)
    for tile in 0..<grid.count {
      work.append {
        let (rows, columns) = grid[tile]
        let target = MatrixView(dx).from(row: rows.lowerBound, column: columns.lowerBound)
        var adds = accumulates
        for (index, projection) in projections.enumerated() {
          guard let dy = gradients[index] else { continue }
          if let packed = packed[index], let half = halves[index] {
            packed.multiply(
              half.pointer + rows.lowerBound * half.columns, stride: half.columns, rows: rows.count,
              depths: 0..<half.columns, columns: columns, into: target, accumulates: adds)
          } else {
            projection.weight.applyTransposed(
              to: MatrixView(dy).from(row: rows.lowerBound), rows: rows.count, outputs: 0..<dy.columns,
              inputs: columns, into: target, accumulates: adds)
          }
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
}
