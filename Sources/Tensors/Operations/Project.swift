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
    let trainsB = trains(projections.map(\.adapter?.b))
    let adapters = StackedAdapters(
      projections, input: x.stored, keepsHidden: trainsB.contains(true), tape: self)
    let outputs = projections.map { projection in
      let wanted =
        [projection.weight.parameter, projection.bias, projection.adapter?.a, projection.adapter?.b]
        .contains { $0.map(wantsGradient) ?? false }
      return Variable([count, projection.weight.outputs], of: rows, needsGradient: x.needsGradient || wanted)
    }
    let gradient = ProjectionGradient(
      input: x.node, saved: savedInput(x.stored, projections), inputs: inputs, projections: projections,
      adapters: adapters, program: rows, trainsWeight: trains(projections.map(\.weight.parameter)),
      trainsBias: trains(projections.map(\.bias)), trainsA: trains(projections.map(\.adapter?.a)),
      trainsB: trainsB)
    let forward = ProjectionForward(
      x: x.stored, saved: gradient.saved, projections: projections,
      matrices: projections.map { $0.weight.forward(rows: count, on: rows) },
      adapters: adapters, outputs: outputs.map(\.stored), compute: compute)
    rows.add(
      rows: count, forward.outputs + [forward.x, adapters.hidden].compactMap { $0 },
      computes ? forward.run : forward.prepare)
    if outputs.contains(where: \.needsGradient) {
      record { [nodes = outputs.map(\.node)] in gradient.run(nodes.map { $0?.take() }) }
    }
    return outputs
  }

  private func trains(_ parameters: [Parameter?]) -> [Bool] { parameters.map { $0.map(wantsGradient) ?? false } }

  /// What the backward pass keeps of x: nothing unless something that is multiplied with x is trained.
  private func savedInput(_ x: RowArray, _ projections: [Projection]) -> SavedActivation? {
    let trainsWeight = trains(projections.map(\.weight.parameter)).contains(true)
    guard keeps, trainsWeight || trains(projections.map(\.adapter?.a)).contains(true) else { return nil }
    if !trainsWeight, projections.contains(where: \.weight.takesBF16) {
      return .bf16(BF16Matrix(rows: x.rows, columns: x.columns))
    }
    return .full(keep(x))
  }
}

/// The forward pass of ``Tape/project(_:_:)``.
private struct ProjectionForward {
  let x: RowArray
  /// Where the backward pass finds x; roundings are made here.
  let saved: SavedActivation?
  let projections: [Projection]
  let matrices: [any PackedWeight]
  let adapters: StackedAdapters
  let outputs: [RowArray]
  let compute: Compute

  /// Makes what the backward pass needs.
  func prepare(_ tile: RowTile) {
    if case .bf16(let bf16) = saved {
      bf16.take(x.view(tile), rows: tile.rows.count, at: tile.rows.lowerBound, compute.kernels.functions)
    }
    adapters.forward(x.first(of: tile), tile)
  }

  func run(_ tile: RowTile) {
    prepare(tile)
    let kernels = compute.kernels.functions
    let rows = tile.rows
    let rounded: (BF16Matrix, Int)? = if case .bf16(let bf16) = saved { (bf16, rows.lowerBound) } else { nil }
    let left = LeftOperand(x.view(tile), rows: rows.count, k: x.columns, for: matrices, saved: rounded, kernels)
    var pieces: [(projection: Int, columns: Range<Int>)] = []
    for (index, y) in outputs.enumerated() {
      let width = matrices[index].tileColumns(rows: rows.count)
      for start in stride(from: 0, to: y.columns, by: width) {
        pieces.append((index, start..<min(y.columns, start + width)))
      }
    }
    compute.pool.tiles(pieces.count) { piece in
      let (index, columns) = pieces[piece]
      let projection = projections[index]
      let target = outputs[index].view(tile).from(row: 0, column: columns.lowerBound)
      matrices[index].multiply(left, columns: columns, into: target, accumulates: false)
      adapters.addOutput(of: index, tile, columns, to: target)
      if let bias = projection.bias {
        for row in 0..<rows.count {
          let start = target.pointer + row * target.stride
          kernels.pointee.add(start, start, bias.value.pointer + columns.lowerBound, columns.count)
        }
      }
    }
  }
}
