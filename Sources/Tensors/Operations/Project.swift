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
    let (count, inputs) = (x.stored.rows, x.stored.columns)
    for projection in projections {
      precondition(
        projection.weight.inputs == inputs, "The weight wants rows of \(projection.weight.inputs), found \(inputs)")
    }
    let adapters = StackedAdapters(projections, input: x.stored, tape: self)
    let outputs = projections.map { projection in
      let wanted =
        [projection.weight.parameter, projection.bias, projection.adapter?.a, projection.adapter?.b]
        .contains { $0.map(wantsGradient) ?? false }
      return Variable([count, projection.weight.outputs], of: rows, needsGradient: x.needsGradient || wanted)
    }
    let goesBack = outputs.contains(where: \.needsGradient)
    let takesHalves = projections.contains {
      $0.weight.takesHalves && (goesBack || $0.weight.quantizedForward == nil)
    }
    let half = takesHalves ? HalfMatrix(rows: count, columns: inputs) : nil
    let forward = ProjectionForward(
      x: x.stored, half: half, projections: projections,
      packed: projections.map { $0.weight.packedForward(rows: count, on: rows) },
      adapters: adapters, outputs: outputs.map(\.stored), compute: compute)
    rows.add(rows: count, computes ? forward.run : forward.prepare)

    if goesBack {
      let trainsWeight = projections.map { $0.weight.parameter.map(wantsGradient) ?? false }
      let saved = trainsWeight.contains(true) ? nil : half.map(SavedActivation.half)
      let gradient = ProjectionGradient(
        input: x.node, saved: saved ?? .full(x.stored), inputs: inputs, projections: projections, adapters: adapters,
        program: rows, trainsWeight: trainsWeight,
        trainsBias: projections.map { $0.bias.map(wantsGradient) ?? false },
        trainsA: projections.map { $0.adapter.map { wantsGradient(of: $0.a) } ?? false },
        trainsB: projections.map { $0.adapter.map { wantsGradient(of: $0.b) } ?? false })
      record { [nodes = outputs.map(\.node)] in gradient.run(nodes.map { $0?.take() }) }
    }
    return outputs
  }
}

/// The forward pass of ``Tape/project(_:_:)``.
private struct ProjectionForward {
  let x: Tensor
  /// x in bfloat16, written here; nil where neither a product nor the backward pass takes it.
  let half: HalfMatrix?
  let projections: [Projection]
  let packed: [PackedMatrix?]
  let adapters: StackedAdapters
  let outputs: [Tensor]
  let compute: Compute

  /// Makes what the backward pass needs.
  func prepare(_ rows: Range<Int>) {
    let first = MatrixView(x).from(row: rows.lowerBound)
    half?.take(first, rows: rows.count, at: rows.lowerBound, compute.kernels.functions)
    adapters.forward(x, rows)
  }

  func run(_ rows: Range<Int>) {
    prepare(rows)
    let kernels = compute.kernels.functions
    let first = MatrixView(x).from(row: rows.lowerBound)
    var pieces: [(projection: Int, columns: Range<Int>)] = []
    for (index, y) in outputs.enumerated() {
      let width =
        projections[index].weight.quantizedForward?.tileColumns(rows: rows.count)
        ?? packed[index]?.tileColumns(rows: rows.count) ?? TileGrid.activationTile.columns
      for start in stride(from: 0, to: y.columns, by: width) {
        pieces.append((index, start..<min(y.columns, start + width)))
      }
    }
    let quantized =
      projections.contains { $0.weight.quantizedForward != nil }
      ? QuantizedRows(rounding: first, rows: rows.count, k: x.columns, compute) : nil
    compute.pool.tiles(pieces.count) { piece in
      let (index, columns) = pieces[piece]
      let projection = projections[index]
      let target = MatrixView(outputs[index]).from(row: rows.lowerBound, column: columns.lowerBound)
      if let matrix = projection.weight.quantizedForward, let quantized {
        matrix.multiply(quantized, columns: columns, into: target, accumulates: false, compute)
      } else if let packed = packed[index] {
        let operand = packed.halves ? half.map { UnsafeRawPointer($0.pointer + rows.lowerBound * x.columns) } : nil
        packed.multiply(
          operand ?? UnsafeRawPointer(first.pointer), stride: x.columns, rows: rows.count, depths: 0..<x.columns,
          columns: columns, into: target, accumulates: false)
      } else {
        projection.weight.apply(to: first, rows: rows.count, outputs: columns, into: target, compute)
      }
      adapters.addOutput(of: index, rows, columns, to: target)
      if let bias = projection.bias {
        for row in 0..<rows.count {
          let start = target.pointer + row * target.stride
          kernels.pointee.add(start, start, bias.value.pointer + columns.lowerBound, columns.count)
        }
      }
    }
  }
}
