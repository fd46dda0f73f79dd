import Tensors

/// What was found out about a linear map W [out, in] for an adapter to start from, by the start that asks for it.
package enum MapFindings: Sendable {
  /// The directions in which what the map reads varies most, as `right`, with the variance along each; EVA.
  case inputs(SingularTriples)
  /// Singular values and vectors on the left of W times the covariance of what the map reads, and beside each what its
  /// vector makes of W by itself, divided by the value: CorDA.
  case weighted(SingularTriples)
  /// Those of the loss's derivative with respect to W, and γ, which says how small the start is: LoRA-GA.
  case gradient(SingularTriples, gamma: Double)
  /// What W [out, in] lost when it was rounded, nil where it lost nothing: LoftQ.
  case lost(Tensor?)
}
