/// What is asked of the whole distribution of a row, beside its label's part.
package enum DistributionMeasure: Sendable {
  /// log Σ p²: what two draws agree with.
  case collisions
  /// −Σ p log p, in nats.
  case entropies
}

extension Tape {
  /// log p(target) of each row, for losses that combine rows in their own way: [L].
  ///
  /// Backward computes the scores again block by block, because the derivatives of the rows are known only then.
  /// - `x`: [L, C].
  /// - `targets`: a token for each row.
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``,
  ///   ``TensorError/countMismatch(operation:name:expected:found:)``.
  package func labelLogProbabilities(_ x: Variable, head: OutputHead, targets: [Int32]) throws -> Variable {
    try labelLogProbabilities(x, head: head, targets: targets, asking: nil).labels
  }

  /// As above, and what else is asked of each row.
  package func labelLogProbabilities(
    _ x: Variable, head: OutputHead, targets: [Int32], asking measure: DistributionMeasure?
  ) throws -> (labels: Variable, measured: [Float]?) {
    try checkLabels(x, head, targets, "label log-probabilities")
    let trained = trainedParts(of: head)
    let input = x.value
    let blocks = blocks(of: input.rows, vocabulary: head.outputs)
    var values: [Float] = []
    var measured: [Float] = []
    for rows in blocks {
      let block = VocabularyBlock(rows: rows, of: input, head: head, targets: targets, program: self.rows)
      values += block.logProbabilities
      switch measure {
      case .collisions: measured += block.logCollisions()
      case .entropies: measured += block.entropies()
      case nil: break
      }
    }
    let y = Variable(
      Tensor(shape: [targets.count], values: values),
      needsGradient: x.needsGradient || trained.weight != nil || trained.bias != nil)
    if let node = y.node {
      record { [program = rows, x = x.node] in
        guard let dy = node.takeAll(program) else { return }
        let weights = dy.values.map { -$0 / head.temperature }
        let dx = x.map { Tensor(uninitialized: $0.shape) }
        let dHead = HeadGradient(
          weight: trained.weight?.gradientForAccumulation(), bias: trained.bias?.gradientForAccumulation())
        for rows in blocks {
          VocabularyBlock(rows: rows, of: input, head: head, targets: targets, program: program)
            .gradient(LabelDerivative(targets: weights), dx: dx, dHead: dHead)
        }
        if let dx { x?.accumulate(GradientBuffer(dx), program) }
      }
    }
    return (y, measure == nil ? nil : measured)
  }
}
