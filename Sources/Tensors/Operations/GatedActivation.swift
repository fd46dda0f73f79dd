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
    let columns = value.columns
    rows.add(rows: value.rows) { rows in
      let start = rows.lowerBound * columns
      forward(value.pointer + start, gates.pointer + start, ups.pointer + start, rows.count * columns)
    }
    if let node = h.node {
      record { [rows, gate = gate.node, up = up.node] in
        guard let dh = node.take()?.tensor else { return }
        let dgate = Tensor(uninitialized: dh.shape)
        let dup = Tensor(uninitialized: dh.shape)
        rows.add(rows: dh.rows) { rows in
          let start = rows.lowerBound * columns
          backward(
            dgate.pointer + start, dup.pointer + start, dh.pointer + start, gates.pointer + start,
            ups.pointer + start, rows.count * columns)
        }
        gate?.accumulate(GradientBuffer(dgate), rows)
        up?.accumulate(GradientBuffer(dup), rows)
      }
    }
    return h
  }
}
