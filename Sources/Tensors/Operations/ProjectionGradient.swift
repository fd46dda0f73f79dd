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
    let packed = projections.map { target == nil ? nil : $0.weight.packedBackward(on: program) }
    let bytes = projections.map { target == nil ? nil : $0.weight.quantizedBackward(compute) }
    program.add(rows: count, (arrays + [target?.array, parts?.v]).compactMap { $0 }) { tile in
      parts?.add(tile)
      guard let target else { return }
      let dx = target.array.view(tile)
      addInput(arrays, packed, bytes, parts?.v, tile, to: dx, accumulates: target.accumulates)
      if let parts { adapters.addDroppedInputGradient(parts.v, tile, to: dx.pointer) }
    }
    for (index, dy) in gradients.enumerated() {
      if let dy { addWeights(index, dy) }
    }
    program.finally(parts?.sums() ?? [])
  }

  /// dx (+)= Σ dy_i W_i + v A for a tile, cut by columns where that is all the work there is.
  private func addInput(
    _ gradients: [RowArray?], _ packed: [PackedMatrix?], _ bytes: [QuantizedMatrix?], _ v: RowArray?, _ tile: RowTile,
    to dx: MatrixView, accumulates: Bool
  ) {
    let rows = tile.rows
    let halves = zip(gradients, packed).map { dy, packed in
      packed?.halves == true
        ? dy.map {
          HalfMatrix(
            rounding: $0.view(tile), rows: rows.count, columns: $0.columns, compute.kernels.functions)
        } : nil
    }
    let quantized = zip(gradients, bytes).map { dy, matrix in
      matrix == nil
        ? nil : dy.map { QuantizedRows(rounding: $0.view(tile), rows: rows.count, k: $0.columns, compute) }
    }
    let width =
      bytes.lazy.compactMap { $0 }.first?.tileColumns(rows: rows.count)
      ?? packed.lazy.compactMap { $0 }.first?.tileColumns(rows: rows.count) ?? TileGrid.activationTile.columns
    compute.pieces(of: inputs, size: width) { columns in
      let target = dx.from(row: 0, column: columns.lowerBound)
      var adds = accumulates
      for (index, projection) in projections.enumerated() {
        guard let dy = gradients[index] else { continue }
        if let matrix = bytes[index], let quantized = quantized[index] {
          matrix.multiply(quantized, columns: columns, into: target, accumulates: adds, compute)
        } else if let packed = packed[index] {
          let operand =
            halves[index].map { UnsafeRawPointer($0.pointer) }
            ?? UnsafeRawPointer(dy.first(of: tile))
          packed.multiply(
            operand, stride: dy.columns, rows: rows.count, depths: 0..<dy.columns, columns: columns, into: target,
            accumulates: adds)
        } else {
          projection.weight.applyTransposed(
            to: dy.view(tile), rows: rows.count, outputs: 0..<dy.columns, inputs: columns,
            into: target, accumulates: adds)
        }
        adds = true
      }
      if let v { adapters.addPlainInputGradient(v, tile, columns, to: target) }
    }
  }

  /// Adds to dW and dbias of a projection once all rows of dy are there.
  private func addWeights(_ index: Int, _ dy: GradientBuffer) {
    let projection = projections[index]
    var work: [() -> Void] = []
    if trainsWeight[index], let parameter = projection.weight.parameter, case .full(let x) = saved {
      let gradient = parameter.gradientForAccumulation()
      let grid = TileGrid(rows: dy.array.columns, columns: inputs, tile: TileGrid.weightTile)
      for tile in 0..<grid.count {
        work.append { [compute] in
          let (rows, columns) = grid[tile]
          compute.addOuterProducts(
            MatrixView(dy.array.tensor).from(row: 0, column: rows.lowerBound),
            MatrixView(x.tensor).from(row: 0, column: columns.lowerBound),
            to: MatrixView(gradient).from(row: rows.lowerBound, column: columns.lowerBound), m: rows.count,
            n: columns.count, k: x.rows)
        }
      }
    }
    if trainsBias[index], let bias = projection.bias {
      let gradient = bias.gradientForAccumulation()
      work.append { [compute] in
        let dy = dy.array.tensor
        for row in 0..<dy.rows {
          compute.kernels.functions.pointee.add(
            gradient.pointer, gradient.pointer, dy.pointer + row * dy.columns, dy.columns)
        }
      }
    }
    program.finally(work)
  }
}
