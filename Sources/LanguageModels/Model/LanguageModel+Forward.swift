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
    var x = try tape.embed(ids, table: embedding)
    for index in layers.indices.dropLast() {
      x = try tape.recomputed(x, when: recomputation == .block) { [self] tape, x in
        try block(tape, x, index, context)
      }
    }
    if let last = layers.indices.last { x = try block(tape, x, last, context, rows: rows) }
    return norm(tape, x, finalNorm)
  }

  /// The hidden states of the positions that have labels, in the order of the labels.
  package func hiddenStates(_ tape: Tape, _ batch: PackedBatch) throws -> Variable {
    try hiddenStates(tape, ids: batch.ids, layout: batch.layout, rows: batch.labelRows)
  }

  /// A decoder block: h = x + output(attention(norm(x))), then h + down(mlp(norm(h))).
  ///
  /// - Parameter rows: The rows to go on with after attention; all of them when nil.
  private func block(
    _ tape: Tape, _ x: Variable, _ index: Int, _ context: AttentionContext, rows: [Int32]? = nil
  ) throws -> Variable {
    let layer = layers[index]
    var residual = x
    var attended = try tape.recomputed(x, when: recomputation == .attention) { [self] tape, x in
      try attention(tape, norm(tape, x, layer.norm(.attention)), index, context)
    }
    if let rows {
      attended = try tape.selectRows(attended, rows)
      residual = try tape.selectRows(residual, rows)
    }
    attended = tape.project(attended, layer.projections(.output))[0]
    let (h, normed) = tape.addRMSNorm(
      residual, attended, weight: layer.norm(.feedForward), epsilon: configuration.normEpsilon)
    let gated = feedForward(tape, normed, layer)
    return tape.withoutRecomputation { tape.add(h, tape.project(gated, layer.projections(.down))[0]) }
  }

  private func norm(_ tape: Tape, _ x: Variable, _ weight: Parameter) -> Variable {
    tape.rmsNorm(x, weight: weight, epsilon: configuration.normEpsilon)
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

  /// The gated MLP of a block before its output map: silu(gate(x)) · up(x).
  private func feedForward(_ tape: Tape, _ x: Variable, _ layer: DecoderLayer) -> Variable {
    let parts = tape.project(x, layer.projections(.gate, .up))
    return tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
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
