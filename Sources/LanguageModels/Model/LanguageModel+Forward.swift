import Tensors

extension LanguageModel {
  /// The hidden states that the output head reads, for the chosen positions only: [L, C].
  ///
  /// The last block computes its attention everywhere, all that follows it for the chosen rows alone.
  /// - Parameters:
  ///   - ids: [T] token ids of the packed sequences.
  ///   - layout: Where the sequences start and end; T tokens.
  ///   - rows: [L] positions in `ids`, ascending.
  /// - Throws: ``TensorError`` for ids outside the vocabulary and sequences beyond the rotary table.
  package func hiddenStates(_ tape: Tape, ids: [Int32], layout: SequenceLayout, rows: [Int32]) throws -> Variable {
    try hiddenStates(tape, ids: ids, context: .packed(layout), rows: rows)
  }

  /// The hidden states of the chosen rows of `ids`, whose tokens see what `context` says.
  func hiddenStates(_ tape: Tape, ids: [Int32], context: AttentionContext, rows: [Int32]) throws -> Variable {
    let epsilon = configuration.normEpsilon
    var residual = try tape.embed(ids, table: embedding)
    var branch: Variable?
    for (index, layer) in layers.enumerated() {
      var normed: Variable
      (residual, normed) = addNorm(tape, residual, branch, layer.norm(.attention), epsilon)

      var attended = try attention(tape, normed, index, context)
      if index == layers.count - 1 {
        attended = try tape.selectRows(attended, rows)
        residual = try tape.selectRows(residual, rows)
      }
      attended = tape.project(attended, layer.projections(.output))[0]
      (residual, normed) = addNorm(tape, residual, attended, layer.norm(.feedForward), epsilon)
      branch = feedForward(tape, normed, layer)
    }
    return addNorm(tape, residual, branch, finalNorm, epsilon).normed
  }

  /// The hidden states of the positions that have labels, in the order of the labels.
  package func hiddenStates(_ tape: Tape, _ batch: PackedBatch) throws -> Variable {
    try hiddenStates(tape, ids: batch.ids, layout: batch.layout, rows: batch.labelRows)
  }

  /// residual + branch, and its norm.
  private func addNorm(
    _ tape: Tape, _ residual: Variable, _ branch: Variable?, _ weight: Parameter, _ epsilon: Float
  ) -> (residual: Variable, normed: Variable) {
    guard let branch else { return (residual, tape.rmsNorm(residual, weight: weight, epsilon: epsilon)) }
    let (sum, normed) = tape.addRMSNorm(residual, branch, weight: weight, epsilon: epsilon)
    return (sum, normed)
  }

  /// Causal self-attention of a block before its output map: [T, H·D].
  private func attention(
    _ tape: Tape, _ x: Variable, _ layer: Int, _ context: AttentionContext
  ) throws -> Variable {
    let parts = tape.project(x, layers[layer].projections(.query, .key, .value))
    let scale = 1 / Float(configuration.headDimension).squareRoot()
    switch context {
    case .packed(let layout):
      return try tape.attention(
        q: parts[0], k: parts[1], v: parts[2], layout: layout, heads: configuration.queryHeads,
        keyValueHeads: configuration.keyValueHeads, headDimension: configuration.headDimension, rotary: rotary,
        scale: scale)
    case .cached(let cache):
      return try tape.attention(
        q: parts[0], k: parts[1], v: parts[2], cache: cache, layer: layer, heads: configuration.queryHeads,
        rotary: rotary, scale: scale)
    }
  }

  /// The gated MLP of a block: down(silu(gate(x)) · up(x)).
  private func feedForward(_ tape: Tape, _ x: Variable, _ layer: DecoderLayer) -> Variable {
    let parts = tape.project(x, layer.projections(.gate, .up))
    let gated = tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
    return tape.project(gated, layer.projections(.down))[0]
  }

  /// The logits of the chosen positions: [L, V].
  ///
  /// For inspection and generation; training never makes this array.
  package func logits(ids: [Int32], layout: SequenceLayout, rows: [Int32]) throws -> Tensor {
    let tape = Tape(compute: compute, records: false)
    let hidden = try hiddenStates(tape, ids: ids, layout: layout, rows: rows)
    return try tape.project(hidden, [Projection(weight: head)])[0].value
  }
}
