/// What a decoder block is made of, as data.
package struct BlockConfiguration: Sendable, Hashable {
  /// How the two halves of a block are put together.
  package enum Wiring: Sendable, Hashable {
    /// The feed-forward part reads what attention was added to.
    case sequential
    /// Both read the block's input.
    case parallel
  }

  package var wiring: Wiring
  package var attention: AttentionConfiguration
  package var feedForward: FeedForwardConfiguration
  /// Before attention.
  package var attentionNorm: NormConfiguration?
  /// Of what attention gives.
  package var attentionOutputNorm: NormConfiguration?
  /// Before the feed-forward part; in a parallel block without one, attention's.
  package var feedForwardNorm: NormConfiguration?
  /// Of what the feed-forward part gives.
  package var feedForwardOutputNorm: NormConfiguration?
  /// Experts in place of the feed-forward part; what that says does not count then.
  package var experts: ExpertsConfiguration?
  /// What both are multiplied by before they are added.
  package var residualScale: Float

  package init(
    wiring: Wiring = .sequential, attention: AttentionConfiguration, feedForward: FeedForwardConfiguration,
    attentionNorm: NormConfiguration?, feedForwardNorm: NormConfiguration?
  ) {
    self.wiring = wiring
    self.attention = attention
    self.feedForward = feedForward
    self.attentionNorm = attentionNorm
    self.feedForwardNorm = feedForwardNorm
    residualScale = 1
  }

  package var norms: [NormConfiguration] {
    [attentionNorm, attentionOutputNorm, feedForwardNorm, feedForwardOutputNorm].compactMap { $0 }
  }

  /// Every linear map but those of experts, in the order of the computation.
  package var maps: [LinearConfiguration] { attention.maps + (experts?.maps ?? feedForward.maps) }

  /// Every tensor of the block, norms first.
  ///
  /// - Parameter width: C.
  func tensors(layer: Int, width: Int) -> [(role: TensorRole, shape: [Int])] {
    norms.flatMap { $0.tensors(.block($0.name, layer: layer), [width]) } + attention.tensors(layer: layer)
      + maps.flatMap { $0.tensors(layer: layer) } + (experts?.tensors(layer: layer) ?? [])
  }
}
