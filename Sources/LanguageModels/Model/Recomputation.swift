/// What the backward pass of training computes again instead of keeping it: less memory for more time, the same bits.
///
/// Gradient checkpointing (Chen et al. 2016), by parts of the decoder blocks; see ``Tensors/Tape/recomputed(_:when:_:)``.
package enum Recomputation: String, Sendable, Hashable, CaseIterable {
  case none
  /// The first half of each block: norm, query, key and value maps, attention (Korthikanti et al. 2022, "selective").
  case attention
  /// All of each block from its input on. Only the last block is kept: its backward pass comes right after it.
  case block
}
