extension Tape {
  /// log p(target) of each row, for losses that combine rows in their own way: [L].
  ///
  /// Backward computes the scores again block by block, because the derivatives of the rows are known only then.
  /// - `x`: [L, C].
  /// - `targets`: a token for each row.
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``,
  ///   ``TensorError/countMismatch(operation:name:expected:found:)``.
  package func labelLogProbabilities(_ x: Variable, head: OutputHead, targets: [Int32]) throws -> Variable {
    try labelLogProbabilities(x, head: head, targets: targets, countsCollisions: false).labels
  }

  /// As above, and where it is asked for log Σ p² over the vocabulary of each row: what two draws agree with.
  package func labelLogProbabilities(
    _ x: Variable, head: OutputHead, targets: [Int32], countsCollisions: Bool
  ) throws -> (labels: Variable, collisions: [Float]?) {
    try checkLabels(x, head, targets, "label log-probabilities")
    let trained = trainedParts(of: head)
    let input = x.value
    let blocks = blocks(of: input.rows, vocabulary: head.outputs)
    var values: [Float] = []
    var collisions: [Float] = []
    for rows in blocks {
      let block = VocabularyBlock(rows: rows, of: input, head: head, targets: targets, program: self.rows)
      values += block.logProbabilities
      if countsCollisions { collisions += block.logCollisions() }
    }
    let y = Variable(
      Tensor(shape: [targets.count], values: values),
      needsGradient: x.needsGradient || trained.weight != nil || trained.bias != nil)
    if let node = y.node {
      record { [program = rows, x = x.node] in
        guard let dy = node.takeAll(program) else { return }
        let weights = dy.values.map { -$0 }
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
    return (y, countsCollisions ? collisions : nil)
  }
}
