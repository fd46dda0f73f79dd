import CTensorKernels

/// The function of a gated feed-forward part, h = f(gate) · up (Shazeer 2020).
package enum GatedActivation: String, Sendable, Hashable, CaseIterable {
  case silu
  case geluTanh
  case gelu
  /// h = (u + 1) · g σ(1.702 g) with g = min(gate, 7) and u = up within ±7.
  case clamped

  typealias Forward =
    @convention(c) (
      UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int
    ) -> Void
  typealias Backward =
    @convention(c) (
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
      UnsafePointer<Float>?, Int
    ) -> Void

  func kernels(_ table: tk_kernels) -> (forward: Forward, backward: Backward) {
    let pair: (Forward?, Backward?) =
      switch self {
      case .silu: (table.gated_silu, table.gated_silu_backward)
      case .geluTanh: (table.gated_gelu, table.gated_gelu_backward)
      case .gelu: (table.gated_gelu_erf, table.gated_gelu_erf_backward)
      case .clamped: (table.gated_clamped, table.gated_clamped_backward)
      }
    guard let forward = pair.0, let backward = pair.1 else { preconditionFailure("The table of kernels is complete") }
    return (forward, backward)
  }
}

extension Tape {
  /// f(gate) · up, element by element, of arrays of one shape.
  package func gatedActivation(gate: Variable, up: Variable, _ function: GatedActivation) -> Variable {
    precondition(gate.stored.shape == up.stored.shape, "Gate and up need one shape")
    return gated(gate, up, isFused: false, upColumn: 0, width: gate.stored.columns, function)
  }

  /// f(gate) · up with the gate in the first half of each row and up in the second: [T, 2F] to [T, F].
  package func gatedActivation(fused x: Variable, _ function: GatedActivation) -> Variable {
    let width = x.stored.columns / 2
    return gated(x, x, isFused: true, upColumn: width, width: width, function)
  }

  private func gated(
    _ gate: Variable, _ up: Variable, isFused: Bool, upColumn: Int, width columns: Int, _ function: GatedActivation
  ) -> Variable {
    let functions = compute.kernels.functions
    let (forward, backward) = function.kernels(functions.pointee)
    let count = gate.stored.rows
    let h = Variable([count, columns], of: rows, needsGradient: gate.needsGradient || up.needsGradient)
    let (value, gates, ups) = (h.stored, gate.stored, up.stored)
    let bf16 =
      h.needsGradient && compute.computeClass.takesBF16
      ? (gate: BF16Matrix(rows: count, columns: columns), up: BF16Matrix(rows: count, columns: columns)) : nil
    rows.add(rows: count, isFused ? [value, gates] : [value, gates, ups]) { tile in
      let (value, gates, ups) = (value.view(tile), gates.view(tile), ups.view(tile))
      for row in 0..<tile.rows.count {
        let (gate, up) = (gates.from(row: row), ups.from(row: row, column: upColumn))
        forward(value.from(row: row).pointer, gate.pointer, up.pointer, columns)
        bf16?.gate.take(gate, rows: 1, at: tile.rows.lowerBound + row, functions)
        bf16?.up.take(up, rows: 1, at: tile.rows.lowerBound + row, functions)
      }
    }
    guard let node = h.node else { return h }
    let saved: SavedGates =
      if let bf16 { .bf16(gate: bf16.gate, up: bf16.up) } else {
        .full(gate: keep(gates), up: keep(ups), upColumn: upColumn)
      }
    record { [rows, gate = gate.node, up = up.node] in
      guard let dh = node.take()?.array else { return }
      let dgate = RowArray(isFused ? [count, 2 * columns] : dh.shape)
      let dup = isFused ? dgate : RowArray(dh.shape)
      rows.add(rows: count, isFused ? [dh, dgate] : [dh, dgate, dup]) { tile in
        let (dh, dgates, dups) = (dh.view(tile), dgate.view(tile), dup.view(tile))
        // Row by row, so that what one kernel writes is in the first cache for the next.
        for (place, row) in tile.rows.enumerated() {
          // Both may be written where they are read.
          let dgate = dgates.from(row: place).pointer
          let dup = dups.from(row: place, column: upColumn).pointer
          let (gate, up) = saved.row(row, columns, gateSpace: dgate, upSpace: dup, functions)
          backward(dgate, dup, dh.from(row: place).pointer, gate, up, columns)
        }
      }
      gate?.accumulate(GradientBuffer(dgate), rows)
      if !isFused { up?.accumulate(GradientBuffer(dup), rows) }
    }
    return h
  }
}

/// What the backward pass of a gated activation reads.
private enum SavedGates {
  case full(gate: RowArray, up: RowArray, upColumn: Int)
  case bf16(gate: BF16Matrix, up: BF16Matrix)

  /// A row of both; the spaces are written unless the row lies elsewhere already.
  func row(
    _ row: Int, _ columns: Int, gateSpace: UnsafeMutablePointer<Float>, upSpace: UnsafeMutablePointer<Float>,
    _ kernels: UnsafePointer<tk_kernels>
  ) -> (gate: UnsafePointer<Float>, up: UnsafePointer<Float>) {
    switch self {
    case .full(let gate, let up, let upColumn):
      (
        UnsafePointer(gate.tensor.pointer + row * gate.columns),
        UnsafePointer(up.tensor.pointer + row * up.columns + upColumn)
      )
    case .bf16(let gate, let up):
      (
        SavedActivation.bf16(gate).rows(row..<row + 1, space: gateSpace, kernels),
        SavedActivation.bf16(up).rows(row..<row + 1, space: upSpace, kernels)
      )
    }
  }
}
