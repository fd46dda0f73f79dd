import CTensorKernels

/// The function f of a gated feed-forward layer, h = f(gate) · up (Shazeer 2020).
package enum GatedActivation: String, Sendable, Hashable, CaseIterable {
  /// x σ(x).
  case silu
  /// The tanh form of GELU: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).
  case geluTanh
}

extension Tape {
  /// f(gate) · up, element by element.
  package func gatedActivation(gate: Variable, up: Variable, _ kind: GatedActivation) -> Variable {
    precondition(gate.stored.shape == up.stored.shape, "Gate and up need one shape")
    let functions = compute.kernels.functions
    let h = Variable(gate.stored.shape, of: rows, needsGradient: gate.needsGradient || up.needsGradient)
    let forward = kind == .silu ? functions.pointee.gated_silu : functions.pointee.gated_gelu
    let backward = kind == .silu ? functions.pointee.gated_silu_backward : functions.pointee.gated_gelu_backward
    guard let forward, let backward else { preconditionFailure("The table of kernels is complete") }
    let (value, gates, ups) = (h.stored, gate.stored, up.stored)
    let (count, columns) = (value.rows, value.columns)
    let bf16 =
      h.needsGradient && compute.computeClass.takesBF16
      ? (gate: BF16Matrix(rows: count, columns: columns), up: BF16Matrix(rows: count, columns: columns)) : nil
    rows.add(rows: count, [value, gates, ups]) { tile in
      let (value, gates, ups) = (value.view(tile), gates.view(tile), ups.view(tile))
      for row in 0..<tile.rows.count {
        let (gate, up) = (gates.from(row: row), ups.from(row: row))
        forward(value.from(row: row).pointer, gate.pointer, up.pointer, columns)
        bf16?.gate.take(gate, rows: 1, at: tile.rows.lowerBound + row, functions)
        bf16?.up.take(up, rows: 1, at: tile.rows.lowerBound + row, functions)
      }
    }
    if let node = h.node {
      let saved: (gate: SavedActivation, up: SavedActivation) =
        if let bf16 { (.bf16(bf16.gate), .bf16(bf16.up)) } else {
          (.full(keep(gates)), .full(keep(ups)))
        }
      record { [rows, gate = gate.node, up = up.node] in
        guard let dh = node.take()?.array else { return }
        let (dgate, dup) = (RowArray(dh.shape), RowArray(dh.shape))
        rows.add(rows: count, [dh, dgate, dup]) { tile in
          let (dh, dgates, dups) = (dh.view(tile), dgate.view(tile), dup.view(tile))
          // Row by row, so that what one kernel writes is in the first cache for the next.
          for (place, row) in tile.rows.enumerated() {
            // Both may be written where they are read.
            let (dgate, dup) = (dgates.from(row: place).pointer, dups.from(row: place).pointer)
            backward(
              dgate, dup, dh.from(row: place).pointer, saved.gate.rows(row..<row + 1, space: dgate, functions),
              saved.up.rows(row..<row + 1, space: dup, functions), columns)
          }
        }
        gate?.accumulate(GradientBuffer(dgate), rows)
        up?.accumulate(GradientBuffer(dup), rows)
      }
    }
    return h
  }
}
