/// What the scores of labels say of them, each row's in order.
package struct LabelScores {
  /// The weighted sum of what the rows lose, as [1].
  package var loss: Variable
  /// log p(target).
  package var logProbabilities: [Float] = []
  /// Whether the target has the highest probability, the first one of equals.
  package var correct: [Bool] = []
  /// What each row counts besides its weight; empty without an emphasis.
  package var emphasis: [Float] = []
  /// The mean of log p over the vocabulary; empty without smoothing.
  package var means: [Float] = []
  /// How far the distribution is from another one; empty without.
  package var divergences: [Float] = []
}

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
  ///   - smoothing: ε: a row loses (1 − ε)(−log p(target)) + ε · the mean of −log p over the vocabulary (arXiv:1512.00567).
  ///   - labelShare: What a row's −log p(target) counts besides its weight; that of the divergence stands there.
  ///   - divergence: What a row loses besides for being unlike another model's, which its emphasis does not multiply.
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``,
  ///   ``TensorError/countMismatch(operation:name:expected:found:)``.
  package func crossEntropy(
    _ x: Variable, head: OutputHead, targets: [Int32], weights: [Float], emphasis: LabelEmphasis? = nil,
    smoothing: Float = 0, labelShare: Float = 1, divergence: (any DistributionTarget)? = nil
  ) throws -> LabelScores {
    let operation = "cross entropy"
    try checkLabels(x, head, targets, operation)
    guard weights.count == targets.count else {
      throw TensorError.countMismatch(
        operation: operation, name: "weights", expected: targets.count, found: weights.count)
    }
    try divergence?.check(rows: targets.count, head, operation)
    let trained = trainedParts(of: head)
    let needsGradient = x.needsGradient || trained.weight != nil || trained.bias != nil
    let input = x.value
    let dx = x.needsGradient ? Tensor(uninitialized: input.shape) : nil
    let dHead = HeadGradient(
      weight: trained.weight.map { Tensor(shape: $0.value.shape) },
      bias: trained.bias.map { Tensor(shape: $0.value.shape) })
    var loss = 0.0
    var scores = LabelScores(loss: Variable(Tensor(shape: [1])))
    var counts = labelShare == 1 ? weights : weights.map { $0 * labelShare }
    for rows in blocks(of: input.rows, vocabulary: head.outputs) {
      let block = VocabularyBlock(
        rows: rows, of: input, head: head, targets: targets, program: self.rows, sumsScores: smoothing > 0)
      if let emphasis {
        let factors = block.factors(emphasis)
        scores.emphasis += factors
        for (row, factor) in zip(rows, factors) { counts[row] *= factor }
      }
      let means = block.meanLogProbabilities
      for (place, row) in rows.enumerated() {
        var logProbability = Double(block.logProbabilities[place])
        if let means {
          logProbability = Double(1 - smoothing) * logProbability + Double(smoothing) * Double(means[place])
        }
        loss -= Double(counts[row]) * logProbability
      }
      scores.means += means ?? []
      scores.logProbabilities += block.logProbabilities
      scores.correct += block.correct
      let apart = divergence?.block(block)
      if let apart, let divergence {
        scores.divergences += apart.values
        for (row, value) in zip(rows, apart.values) {
          loss += Double(weights[row]) * Double(divergence.weight) * Double(value)
        }
      }
      if needsGradient {
        // Scores move by so much less as they are divided by.
        let (slopes, shares) =
          head.temperature == 1
          ? (counts, weights) : (counts.map { $0 / head.temperature }, weights.map { $0 / head.temperature })
        block.gradient(
          LabelDerivative(targets: slopes, smoothing: smoothing, weights: shares, divergence: apart), dx: dx,
          dHead: dHead)
      }
    }
    let result = Variable(Tensor(shape: [1], values: [Float(loss)]), needsGradient: needsGradient)
    scores.loss = result
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
    return scores
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
