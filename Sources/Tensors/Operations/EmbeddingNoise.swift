/// Noise that is added to what the tokens of sequences are embedded as, while a model learns: NEFTune (arXiv:2310.05914).
///
/// Each number is drawn evenly from −1 to 1 and multiplied by α ÷ √(L · C) for a sequence of L tokens. It is a function of
/// its sequence's key, the place of the token in the sequence and the place in the row alone, so how sequences are laid
/// into batches changes none.
package struct EmbeddingNoise: Sendable, Hashable {
  /// A sequence of a batch, in the batch's order.
  package struct Sequence: Sendable, Hashable {
    /// L: all tokens of the sequence, with those that a batch leaves out.
    package var length: Int
    package var key: RandomKey

    package init(length: Int, key: RandomKey) {
      self.length = length
      self.key = key
    }
  }

  /// α.
  package var strength: Double
  /// One for each segment of the batch; they share no tokens.
  package var sequences: [Sequence]

  package init(strength: Double, sequences: [Sequence]) {
    self.strength = strength
    self.sequences = sequences
  }

  /// The noise of a batch: [T, C].
  package func values(_ layout: SequenceLayout, width: Int, on compute: Compute) -> Tensor {
    precondition(sequences.count == layout.segments.count, "a sequence for each segment")
    let values = Tensor(uninitialized: [layout.tokenCount, width])
    let owners = zip(layout.segments, sequences).flatMap { segment, sequence in
      (0..<segment.count).map { (place: $0, sequence: sequence) }
    }
    compute.pieces(of: owners.count, size: 16) { piece in
      for token in piece {
        let (place, sequence) = owners[token]
        let bound = Float(strength / (Double(sequence.length) * Double(width)).squareRoot())
        var random = CounterRandom(key: sequence.key)
        random.position = UInt64(place * width)
        for column in 0..<width { values.pointer[token * width + column] = (2 * random.uniform() - 1) * bound }
      }
    }
    return values
  }
}
