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
    precondition(gate.value.shape == up.value.shape, "Gate and up need one shape")
    let compute = compute
    let functions = compute.kernels.functions
    let h = Variable(
      Tensor(uninitialized: gate.value.shape), needsGradient: gate.needsGradient || up.needsGradient)
    let forward = kind == .silu ? functions.pointee.gated_silu : functions.pointee.gated_gelu
    let backward = kind == .silu ? functions.pointee.gated_silu_backward : functions.pointee.gated_gelu_backward
    guard let forward, let backward else { preconditionFailure("The table of kernels is complete") }
    compute.elements(h.value.count) { piece in
      let start = piece.lowerBound
      forward(h.value.pointer + start, gate.value.pointer + start, up.value.pointer + start, piece.count)
    }
    if h.needsGradient {
      record {
        guard let dh = h.takeGradient() else { return }
        let dgate = Tensor(uninitialized: gate.value.shape)
        let dup = Tensor(uninitialized: up.value.shape)
        compute.elements(dh.count) { piece in
          let start = piece.lowerBound
          backward(
            dgate.pointer + start, dup.pointer + start, dh.pointer + start, gate.value.pointer + start,
            up.value.pointer + start, piece.count)
        }
        gate.accumulate(dgate, compute)
        up.accumulate(dup, compute)
      }
    }
    return h
  }
}
