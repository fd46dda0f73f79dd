/// What a decoder block is made of, as data.
package struct BlockConfiguration: Sendable, Hashable {
  package var attention: AttentionConfiguration
  package var feedForward: FeedForwardConfiguration
  /// Before attention.
  package var attentionNorm: NormConfiguration
  /// Before the feed-forward part.
  package var feedForwardNorm: NormConfiguration

  package init(
    attention: AttentionConfiguration, feedForward: FeedForwardConfiguration, attentionNorm: NormConfiguration,
    feedForwardNorm: NormConfiguration
  ) {
    self.attention = attention
    self.feedForward = feedForward
    self.attentionNorm = attentionNorm
    self.feedForwardNorm = feedForwardNorm
  }

  package var norms: [NormConfiguration] { [attentionNorm, feedForwardNorm] }

  /// Every linear map, in the order of the computation.
  package var maps: [LinearConfiguration] { attention.maps + feedForward.maps }

  /// Every tensor of the block, norms first.
  ///
  /// - Parameter width: C.
  func tensors(layer: Int, width: Int) -> [(role: TensorRole, shape: [Int])] {
    norms.map { (.norm($0.name, layer: layer), [width]) } + maps.flatMap { $0.tensors(layer: layer) }
  }
}
