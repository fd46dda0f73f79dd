import CTensorKernels

/// A feed-forward part of a mixture: down(f(gate(x)) · up(x)), each map perhaps with a bias.
package struct Expert {
  /// [F, C].
  package let gate: MatrixWeight
  /// [F, C].
  package let up: MatrixWeight
  /// [C, F].
  package let down: MatrixWeight
  package let gateBias: Parameter?
  package let upBias: Parameter?
  package let downBias: Parameter?

  package init(
    gate: MatrixWeight, up: MatrixWeight, down: MatrixWeight, gateBias: Parameter? = nil, upBias: Parameter? = nil,
    downBias: Parameter? = nil
  ) {
    self.gate = gate
    self.up = up
    self.down = down
    self.gateBias = gateBias
    self.upBias = upBias
    self.downBias = downBias
  }

  package var parameters: [Parameter] {
    [gate.parameter, up.parameter, down.parameter, gateBias, upBias, downBias].compactMap { $0 }
  }
}

extension Tape {
  /// Σ over the experts of a row of weight · expert(x), in the order of their numbers: [T, C].
  ///
  /// Each expert takes all of its rows together; experts are shared among the threads. Keeps x and the weights; the
  /// backward pass computes what the experts computed again.
  /// - Parameters:
  ///   - x: [T, C].
  ///   - chosen: The numbers of the experts of each row, k in ascending order.
  ///   - weights: [T, k].
  package func experts(
    _ x: Variable, chosen: [Int32], weights: Variable, _ experts: [Expert], _ function: GatedActivation
  ) -> Variable {
    let input = x.value
    let shares = weights.value
    let trained = experts.flatMap(\.parameters).contains { wantsGradient(of: $0) }
    let pass = ExpertPass(
      input: input, weights: shares, chosen: chosen, experts: experts, function: function, program: rows)
    let y = Variable(
      pass.forward(), needsGradient: x.needsGradient || weights.needsGradient || trained)
    if let node = y.node {
      record { [rows, x = x.node, weights = weights.node] in
        guard let dy = node.takeAll(rows) else { return }
        let (dx, dWeights) = pass.backward(dy, trains: trained)
        x?.accumulate(GradientBuffer(dx), rows)
        weights?.accumulate(GradientBuffer(dWeights), rows)
      }
    }
    return y
  }
}
