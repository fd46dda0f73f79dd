import CTensorKernels

/// What turns hidden states into the scores of a vocabulary: x Wᵀ + bias, perhaps capped.
package struct OutputHead {
  /// [V, C].
  package let weight: MatrixWeight
  /// [V].
  package let bias: Parameter?
  /// Scores become cap · tanh(score / cap).
  package let softCap: Float?
  /// What scores are divided by in the end.
  package var temperature: Float = 1

  package init(_ weight: MatrixWeight, bias: Parameter? = nil, softCap: Float? = nil) {
    self.weight = weight
    self.bias = bias
    self.softCap = softCap
  }

  /// V.
  package var outputs: Int { weight.outputs }
  /// C.
  package var inputs: Int { weight.inputs }

  /// The rows of the weight for a gradient made of the likely columns alone; nil where that would not be exact enough, or
  /// where the class does not round.
  func rowTable() -> RowTable? { softCap == nil ? weight.rowTable() : nil }
}

/// The gradients of a head's own parameters: [V, C] and [V], nil for what is frozen.
struct HeadGradient {
  var weight: Tensor?
  var bias: Tensor?

  var isEmpty: Bool { weight == nil && bias == nil }
}

extension Tape {
  /// The scores of rows over the whole vocabulary, [L, V], without a backward pass.
  package func logits(_ x: Variable, _ head: OutputHead) throws -> Tensor {
    let scores = try project(x, [Projection(weight: head.weight, bias: head.bias)])[0].value
    if let cap = head.softCap {
      compute.pieces(of: scores.rows, size: 1) { row in
        compute.kernels.functions.pointee.soft_cap(
          scores.pointer + row.lowerBound * scores.columns, nil, scores.columns, cap)
      }
    }
    return scores
  }

  /// Which parameters of a head want a gradient.
  func trainedParts(of head: OutputHead) -> (weight: Parameter?, bias: Parameter?) {
    func trained(_ parameter: Parameter?) -> Parameter? { parameter.flatMap { wantsGradient(of: $0) ? $0 : nil } }
    return (trained(head.weight.parameter), trained(head.bias))
  }
}
