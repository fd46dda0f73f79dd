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
    let halves =
      h.needsGradient && compute.computeClass.takesHalves
      ? (gate: HalfMatrix(rows: count, columns: columns), up: HalfMatrix(rows: count, columns: columns)) : nil
    rows.add(rows: count) { rows in
      let start = rows.lowerBound * columns
      forward(value.pointer + start, gates.pointer + start, ups.pointer + start, rows.count * columns)
      halves?.gate.take(MatrixView(gates).from(row: rows.lowerBound), rows: rows.count, at: rows.lowerBound, functions)
      halves?.up.take(MatrixView(ups).from(row: rows.lowerBound), rows: rows.count, at: rows.lowerBound, functions)
    }
    if let node = h.node {
      let saved: (gate: SavedActivation, up: SavedActivation) =
        if let halves { (.half(halves.gate), .half(halves.up)) } else { (.full(gates), .full(ups)) }
      record { [rows, gate = gate.node, up = up.node] in
        guard let dh = node.take()?.tensor else { return }
        let dgate = Tensor(uninitialized: dh.shape)
        let dup = Tensor(uninitialized: dh.shape)
        rows.add(rows: count) { rows in
          let start = rows.lowerBound * columns
          // Both may be written where they are read.
          let dgate = MatrixView(dgate).from(row: rows.lowerBound).pointer
          let dup = MatrixView(dup).from(row: rows.lowerBound).pointer
          backward(
            dgate, dup, dh.pointer + start, saved.gate.rows(rows, space: dgate, functions),
            saved.up.rows(rows, space: dup, functions), rows.count * columns)
        }
        gate?.accumulate(GradientBuffer(dgate), rows)
        up?.accumulate(GradientBuffer(dup), rows)
      }
    }
    return h
  }
}
