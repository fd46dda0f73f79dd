import Tensors

extension LanguageModel {
  /// The hidden states that the output head reads, for the chosen positions only: [L, C].
  ///
  /// The last block computes keys and values everywhere, all else of it for the chosen rows alone.
  /// - Parameters:
  ///   - ids: [T] token ids of the packed sequences.
  ///   - layout: Where the sequences start and end; T tokens.
  ///   - rows: [L] positions in `ids`, ascending.
  /// - Throws: ``TensorError`` for ids outside the vocabulary and sequences beyond the rotary table.
  package func hiddenStates(_ tape: Tape, ids: [Int32], layout: SequenceLayout, rows: [Int32]) throws -> Variable {
    let epsilon = configuration.normEpsilon
    var residual = try tape.embed(ids, table: embedding)
    var branch: Variable?
    for (index, layer) in layers.enumerated() {
      var normed: Variable
      (residual, normed) = try addNorm(tape, residual, branch, layer.norm(.attention), epsilon)

      let keep = index == layers.count - 1 ? rows : nil
      let attended = try attention(tape, normed, layer, layout, rows: keep)
      if let keep { residual = try tape.selectRows(residual, keep) }
      (residual, normed) = try addNorm(tape, residual, attended, layer.norm(.feedForward), epsilon)
      branch = try feedForward(tape, normed, layer)
    }
    return try addNorm(tape, residual, branch, finalNorm, epsilon).normed
  }

  /// The hidden states of the positions that have labels, in the order of the labels.
  package func hiddenStates(_ tape: Tape, _ batch: PackedBatch) throws -> Variable {
    try hiddenStates(tape, ids: batch.ids, layout: batch.layout, rows: batch.labelRows)
  }

  /// residual + branch, and its norm.
  private func addNorm(
    _ tape: Tape, _ residual: Variable, _ branch: Variable?, _ weight: Parameter, _ epsilon: Float
  ) throws -> (residual: Variable, normed: Variable) {
    guard let branch else { return (residual, try tape.rmsNorm(residual, weight: weight, epsilon: epsilon)) }
    let (sum, normed) = try tape.addRMSNorm(residual, branch, weight: weight, epsilon: epsilon)
    return (sum, normed)
  }

  /// Causal self-attention of a block; of the positions `rows` alone when they are given.
  private func attention(
    _ tape: Tape, _ x: Variable, _ layer: DecoderLayer, _ layout: SequenceLayout, rows: [Int32]?
  ) throws -> Variable {
    let q: Variable
    let k: Variable
    let v: Variable
    if let rows {
      let keyValue = try tape.project(x, layer.projections(.key, .value))
      q = try tape.project(tape.selectRows(x, rows), layer.projections(.query))[0]
      (k, v) = (keyValue[0], keyValue[1])
    } else {
      let all = try tape.project(x, layer.projections(.query, .key, .value))
      (q, k, v) = (all[0], all[1], all[2])
    }
    let mixed = try tape.attention(
      q: q, k: k, v: v, layout: layout, queryRows: rows, heads: configuration.queryHeads,
      keyValueHeads: configuration.keyValueHeads, headDimension: configuration.headDimension, rotary: rotary,
      scale: 1 / Float(configuration.headDimension).squareRoot())
    return try tape.project(mixed, layer.projections(.output))[0]
  }

  /// The gated MLP of a block: down(silu(gate(x)) · up(x)).
  private func feedForward(_ tape: Tape, _ x: Variable, _ layer: DecoderLayer) throws -> Variable {
    let parts = try tape.project(x, layer.projections(.gate, .up))
    let gated = try tape.gatedActivation(gate: parts[0], up: parts[1], .silu)
    return try tape.project(gated, layer.projections(.down))[0]
  }

  /// The logits of the chosen positions: [L, V]. For inspection and generation; training never makes this array.
  package func logits(ids: [Int32], layout: SequenceLayout, rows: [Int32]) throws -> Tensor {
    let tape = Tape(compute: compute, records: false)
    let hidden = try hiddenStates(tape, ids: ids, layout: layout, rows: rows)
    return try tape.project(hidden, [Projection(weight: head)])[0].value
  }
}
