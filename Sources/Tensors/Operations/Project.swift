import CTensorKernels

extension Tape {
  /// Several linear maps of one input: y_i = x W_iᵀ (+ bias_i) + scale_i · dropout_i(x) A_iᵀ B_iᵀ.
  ///
  /// The products with all A of one input are one product with the stacked A, unless dropout gives each adapter its own
  /// input. No parameter may stand in two of the projections. Backward skips dx when x needs none and dW of frozen
  /// weights.
  /// - `x`: [T, in].
  /// - Result: [T, out_i] each.
  package func project(_ x: Variable, _ projections: [Projection]) -> [Variable] {
    let inputs = x.value.columns
    for projection in projections {
      precondition(
        projection.weight.inputs == inputs, "The weight wants rows of \(projection.weight.inputs), found \(inputs)")
    }
    let adapters = StackedAdapters(projections, input: x.value, tape: self)
    let outputs = projections.map { projection in
      let wanted =
        [projection.weight.parameter, projection.bias, projection.adapter?.a, projection.adapter?.b]
        .contains { $0.map(wantsGradient) ?? false }
      return Variable(
        Tensor(uninitialized: [x.value.rows, projection.weight.outputs]), needsGradient: x.needsGradient || wanted)
    }
    let rows = x.value.rows
    let half = projections.contains { $0.weight.takesHalves } ? HalfMatrix(rows: rows, columns: inputs) : nil
    if half != nil || adapters.hidden != nil {
      compute.pieces(of: rows, size: PackedMatrix.rows) { piece in
        half?.take(
          MatrixView(x.value).from(row: piece.lowerBound), rows: piece.count, at: piece.lowerBound,
          compute.kernels.functions)
        adapters.forward(x.value, piece)
      }
    }
    var work: [() -> Void] = []
    for (index, projection) in projections.enumerated() {
      let y = outputs[index].value
      let packed = projection.weight.packedForward(compute)
      let size = packed.map { (PackedMatrix.rows, $0.tileColumns(rows: rows)) } ?? TileGrid.activationTile
      let grid = TileGrid(rows: y.rows, columns: y.columns, tile: size)
      for tile in 0..<grid.count {
        work.append { [compute] in
          let (rows, columns) = grid[tile]
          let target = MatrixView(y).from(row: rows.lowerBound, column: columns.lowerBound)
          if let packed, let half {
            packed.multiply(
              half.pointer + rows.lowerBound * inputs, stride: inputs, rows: rows.count, depths: 0..<inputs,
              columns: columns, into: target, accumulates: false)
          } else {
            projection.weight.apply(
              to: MatrixView(x.value).from(row: rows.lowerBound), rows: rows.count, outputs: columns, into: target,
              compute)
          }
          adapters.addOutput(of: index, rows, columns, to: target)
          if let bias = projection.bias {
            for row in 0..<rows.count {
              let start = target.pointer + row * target.stride
              compute.kernels.functions.pointee.add(
                start, start, bias.value.pointer + columns.lowerBound, columns.count)
            }
          }
        }
      }
    }
    compute.together(work)

    if outputs.contains(where: \.needsGradient) {
      let gradient = ProjectionGradient(
        x: x, projections: projections, adapters: adapters, compute: compute,
        trainsWeight: projections.map { $0.weight.parameter.map(wantsGradient) ?? false },
        trainsBias: projections.map { $0.bias.map(wantsGradient) ?? false },
        trainsA: projections.map { $0.adapter.map { wantsGradient(of: $0.a) } ?? false },
        trainsB: projections.map { $0.adapter.map { wantsGradient(of: $0.b) } ?? false })
      record { gradient.run(outputs.map { $0.takeGradient() }) }
    }
    return outputs
  }
}
