extension Tape {
  /// The output head and the weighted cross-entropy of its softmax in one, in blocks of rows.
  ///
  /// When something below needs a gradient it is made in the forward pass, while a block's scores exist; `backward` only
  /// multiplies it. Memory: one ``VocabularyBlock``, [L, C] for the gradient of x, and [V, C] for a trainable head.
  /// - Parameters:
  ///   - x: [L, C].
  ///   - targets: a token for each row.
  ///   - weights: what each row counts; 1/N for a mean.
  ///   - emphasis: What a row counts besides, by what the model says of it.
  /// - Returns: Σ weight · emphasis · (−log p(target)) as [1]; log p(target) of each row; whether the target has the highest
  ///   probability (the first one of equals counts); the emphasis of each row.
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``,
  ///   ``TensorError/countMismatch(operation:name:expected:found:)``.
  package func crossEntropy(
    _ x: Variable, head: OutputHead, targets: [Int32], weights: [Float], emphasis: LabelEmphasis? = nil
  ) throws -> (loss: Variable, logProbabilities: [Float], correct: [Bool], emphasis: [Float]) {
    let operation = "cross entropy"
    try checkLabels(x, head, targets, operation)
    guard weights.count == targets.count else {
      throw TensorError.countMismatch(
        operation: operation, name: "weights", expected: targets.count, found: weights.count)
    }
    let trained = trainedParts(of: head)
    let needsGradient = x.needsGradient || trained.weight != nil || trained.bias != nil
    let input = x.value
    let dx = x.needsGradient ? Tensor(uninitialized: input.shape) : nil
    let dHead = HeadGradient(
      weight: trained.weight.map { Tensor(shape: $0.value.shape) },
      bias: trained.bias.map { Tensor(shape: $0.value.shape) })
    var loss = 0.0
    var logProbabilities: [Float] = []
    var correct: [Bool] = []
    var counts: [Float] = []
    var weights = weights
    for rows in blocks(of: input.rows, vocabulary: head.outputs) {
      let block = VocabularyBlock(rows: rows, of: input, head: head, targets: targets, program: self.rows)
      let factors = emphasis.map { block.factors($0) }
      if let factors {
        counts += factors
        for (row, factor) in zip(rows, factors) { weights[row] *= factor }
      }
      for (row, logProbability) in zip(rows, block.logProbabilities) {
        loss -= Double(weights[row]) * Double(logProbability)
      }
      logProbabilities += block.logProbabilities
      correct += block.correct
      if needsGradient { block.gradient(weights: weights, dx: dx, dHead: dHead) }
    }
    let result = Variable(Tensor(shape: [1], values: [Float(loss)]), needsGradient: needsGradient)
    if let node = result.node {
      record { [rows, x = x.node] in
        guard let dy = node.takeAll(rows) else { return }
        let compute = rows.compute
        let upstream = dy.values[0]
        if let dx {
          compute.scale(dx, by: upstream)
          x?.accumulate(GradientBuffer(dx), rows)
        }
        for case (let parameter?, let share?) in [(trained.weight, dHead.weight), (trained.bias, dHead.bias)] {
          if let gradient = parameter.gradient {
            compute.add(upstream, times: share, to: gradient)
          } else {
            compute.scale(share, by: upstream)
            parameter.gradient = share
          }
        }
      }
    }
    return (result, logProbabilities, correct, counts)
  }

  /// The fixed blocks of rows that pass through the head together.
  func blocks(of rows: Int, vocabulary: Int) -> [Range<Int>] {
    let size = VocabularyBlock.rows(vocabulary: vocabulary)
    return stride(from: 0, to: rows, by: size).map { $0..<min(rows, $0 + size) }
  }

  func checkLabels(_ x: Variable, _ head: OutputHead, _ targets: [Int32], _ operation: String) throws {
    guard x.stored.columns == head.inputs else {
      throw TensorError.shape(
        operation: operation, name: "hidden states", expected: [x.stored.rows, head.inputs], found: x.stored.shape)
    }
    guard targets.count == x.stored.rows else {
      throw TensorError.countMismatch(
        operation: operation, name: "targets", expected: x.stored.rows, found: targets.count)
    }
    try checkIDs(targets, below: head.outputs, operation: operation)
  }
}
