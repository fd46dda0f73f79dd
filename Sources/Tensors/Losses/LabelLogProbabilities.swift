extension Tape {
  /// log p(target) of each row, for losses that combine rows in their own way: [L].
  ///
  /// Backward computes the scores again block by block, because the derivatives of the rows are known only then.
  /// - `x`: [L, C].
  /// - `head`: [V, C].
  /// - `targets`: a token for each row.
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``,
  ///   ``TensorError/countMismatch(operation:name:expected:found:)``.
  package func labelLogProbabilities(_ x: Variable, head: MatrixWeight, targets: [Int32]) throws -> Variable {
    try checkLabels(x, head, targets, "label log-probabilities")
    let compute = compute
    let trainsHead = head.parameter.map(wantsGradient) ?? false
    let blocks = blocks(of: x.value.rows, vocabulary: head.outputs)
    let values = blocks.flatMap { rows in
      VocabularyBlock(rows: rows, of: x.value, head: head, targets: targets, compute: compute).logProbabilities
    }
    let y = Variable(Tensor(shape: [targets.count], values: values), needsGradient: x.needsGradient || trainsHead)
    if y.needsGradient {
      record {
        guard let dy = y.takeGradient() else { return }
        let weights = dy.buffer.map { -$0 }
        let dx = x.needsGradient ? Tensor(uninitialized: x.value.shape) : nil
        let dHead = trainsHead ? head.parameter?.gradientForAccumulation() : nil
        for rows in blocks {
          VocabularyBlock(rows: rows, of: x.value, head: head, targets: targets, compute: compute)
            .gradient(weights: weights, dx: dx, dHead: dHead)
        }
        if let dx { x.accumulate(dx, compute) }
      }
    }
    return y
  }
}
