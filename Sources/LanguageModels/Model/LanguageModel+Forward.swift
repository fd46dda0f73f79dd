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
    try hiddenStates(tape, ids: ids, layout: layout, rows: rows, noise: nil)
  }

  /// The same of what stands behind an adapter's learned tokens, where there are any.
  private func hiddenStates(
    _ tape: Tape, ids: [Int32], layout: SequenceLayout, rows: [Int32], noise: Tensor?
  ) throws -> Variable {
    let all = try preceded(ids, layout, rows, noise)
    return try hiddenStates(tape, ids: all.ids, context: .packed(all.layout), rows: all.rows, noise: all.noise)
  }

  /// The hidden states of the chosen rows of `ids`, learned tokens among them, which see what `context` says.
  func hiddenStates(
    _ tape: Tape, ids: [Int32], context: AttentionContext, rows: [Int32], noise: Tensor? = nil
  ) throws -> Variable {
    try checkFiles()
    if let trainedTokens { tape.exchange(trainedTokens.rows, trainedTokens.places, with: trainedTokens.table) }
    var x = try embedding(tape, ids, context, noise: noise, prompt: prompt)
    let prefixes = prefixes(ids)
    for layer in blocks.indices.dropLast() {
      x = try tape.recomputed(x, when: recomputation == .block) { [self] tape, x in
        try block(tape, x, layer, context, prefixes)
      }
    }
    // Routers whose balance is asked for see all rows.
    let chosen = tape.balance == nil ? rows : nil
    if let last = blocks.indices.last { x = try block(tape, x, last, context, prefixes, rows: chosen) }
    if chosen == nil || blocks.isEmpty { x = try tape.selectRows(x, rows) }
    return tape.scale(finalNorm?(tape, x) ?? x, by: configuration.head.scale)
  }

  /// The hidden states of the positions that have labels, in the order of the labels.
  ///
  /// - Parameter noise: [T, C], added to what the tokens are embedded as.
  package func hiddenStates(_ tape: Tape, _ batch: PackedBatch, noise: Tensor? = nil) throws -> Variable {
    let batch = configuration.boundary.map { batch.divided(at: $0 - virtualTokens) } ?? batch
    return try hiddenStates(tape, ids: batch.ids, layout: batch.layout, rows: batch.labelRows, noise: noise)
  }

  private func block(
    _ tape: Tape, _ x: Variable, _ layer: Int, _ context: AttentionContext, _ prefixes: [LayerPrefix],
    rows: [Int32]? = nil
  ) throws -> Variable {
    try blocks[layer](
      tape, x, layer: layer, context, prefix: prefixes.isEmpty ? nil : prefixes[layer], rows: rows,
      recomputesAttention: recomputation == .attention)
  }

  /// The logits of the chosen positions: [L, V].
  ///
  /// For inspection and generation; training never makes this array.
  package func logits(ids: [Int32], layout: SequenceLayout, rows: [Int32]) throws -> Tensor {
    let tape = Tape(compute: compute, records: false)
    let hidden = try hiddenStates(tape, ids: ids, layout: layout, rows: rows)
    return try tape.logits(hidden, head)
  }
}
