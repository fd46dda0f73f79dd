import CTensorKernels

/// The backward pass of ``Tape/project(_:_:)``.
///
/// With v_i = scale_i · dy_i B_i: dx = Σ dy_i W_i + dropout_i(v_i A_i), dW_i = dy_iᵀ x, dB_i = scale_i · dy_iᵀ u_i,
/// dA_i = v_iᵀ dropout_i(x), dbias_i = Σ_rows dy_i.
struct ProjectionGradient {
  /// Where dx goes; nil when nothing below can be trained.
  let input: GradientNode?
  /// x, where something that is multiplied with it is trained.
  let saved: SavedActivation?
  let inputs: Int
  let projections: [Projection]
  let adapters: StackedAdapters
  let program: RowProgram
  let trainsWeight: [Bool]
  let trainsBias: [Bool]
  let trainsA: [Bool]
  let trainsB: [Bool]

  var compute: Compute { program.compute }

  /// - Parameter gradients: dy of each projection, nil for one that nothing came back to.
  func run(_ gradients: [GradientBuffer?]) {
    guard let count = gradients.lazy.compactMap({ $0?.array.rows }).first else { return }
    let arrays = gradients.map { $0?.array }
    let parts = adapters.hidden.map { _ in AdapterGradient(self, arrays, rows: count) }
    let target = input?.target(program)
    let matrices = zip(projections, arrays).map { projection, dy in
      target == nil || dy == nil ? nil : projection.weight.backward(on: program)
    }
    program.add(rows: count, (arrays + [target?.array, parts?.v]).compactMap { $0 }) { tile in
      parts?.add(tile)
      guard let target else { return }
      let dx = target.array.view(tile)
      addInput(arrays, matrices, parts?.v, tile, to: dx, accumulates: target.accumulates)
      if let parts { adapters.addDroppedInputGradient(parts.v, tile, to: dx.pointer) }
    }
    for (index, dy) in gradients.enumerated() {
      if let dy { addWeights(index, dy) }
    }
    program.finally(parts?.sums() ?? [])
  }

  /// dx (+)= Σ dy_i W_i + v A for a tile, cut by columns where that is all the work there is.
  private func addInput(
    _ gradients: [RowArray?], _ matrices: [(any PackedWeight)?], _ v: RowArray?, _ tile: RowTile, to dx: MatrixView,
    accumulates: Bool
  ) {
    let count = tile.rows.count
    let factors = zip(gradients, matrices).compactMap { dy, matrix -> (left: LeftOperand, right: any PackedWeight)? in
      guard let dy, let matrix else { return nil }
      let kernels = compute.kernels.functions
      return (LeftOperand(dy.view(tile), rows: count, k: dy.columns, for: CollectionOfOne(matrix), kernels), matrix)
    }
    let width = factors.first?.right.tileColumns(rows: count) ?? inputs
    compute.pieces(of: inputs, size: width) { columns in
      let target = dx.from(row: 0, column: columns.lowerBound)
      var adds = accumulates
      for (left, right) in factors {
        right.multiply(left, columns: columns, into: target, accumulates: adds)
        adds = true
      }
      if let v { adapters.addPlainInputGradient(v, tile, columns, to: target) }
    }
  }

  /// Adds to dW and dbias of a projection once all rows of dy are there.
  private func addWeights(_ index: Int, _ dy: GradientBuffer) {
    let projection = projections[index]
    var work: [(count: Int, piece: (Int) -> Void)] = []
    if trainsWeight[index], let parameter = projection.weight.parameter, case .full(let x) = saved {
      let gradient = parameter.gradientForAccumulation()
      let grid = TileGrid(rows: dy.array.columns, columns: inputs, tile: TileGrid.weightTile)
      work.append(
        (
          grid.count,
          { [compute] tile in
            let (rows, columns) = grid[tile]
            compute.addOuterProducts(
              MatrixView(dy.array.tensor).from(row: 0, column: rows.lowerBound),
              MatrixView(x.tensor).from(row: 0, column: columns.lowerBound),
              to: MatrixView(gradient).from(row: rows.lowerBound, column: columns.lowerBound), m: rows.count,
              n: columns.count, k: x.rows)
          }
        ))
    }
    if trainsBias[index], let bias = projection.bias {
      let gradient = bias.gradientForAccumulation()
      work.append(
        (
          1,
          { [compute] _ in
            let dy = dy.array.tensor
            for row in 0..<dy.rows {
              compute.kernels.functions.pointee.add(
                gradient.pointer, gradient.pointer, dy.pointer + row * dy.columns, dy.columns)
            }
          }
        ))
    }
    program.finally(work)
  }
}
