import Tensors

/// A decoder block with its weights: h = x + attention(norm(x)), then h + feedForward(norm(h)).
package struct DecoderBlock {
  package let configuration: BlockConfiguration
  let attentionNorm: Norm
  let feedForwardNorm: Norm
  var attention: Attention
  var feedForward: FeedForward

  /// - Parameter width: C.
  init(_ configuration: BlockConfiguration, layer: Int, width: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    attentionNorm = try Norm(configuration.attentionNorm, layer: layer, width: width, loader)
    feedForwardNorm = try Norm(configuration.feedForwardNorm, layer: layer, width: width, loader)
    attention = try Attention(configuration.attention, layer: layer, loader)
    feedForward = try FeedForward(configuration.feedForward, layer: layer, loader)
  }

  /// The block's result for the chosen rows.
  ///
  /// - Parameters:
  ///   - layer: The block's number.
  ///   - rows: The rows to go on with after attention; all of them when nil.
  ///   - recomputesAttention: Whether attention is run again in the backward pass in place of being kept.
  func callAsFunction(
    _ tape: Tape, _ x: Variable, layer: Int, rotary: RotaryTable, _ context: AttentionContext, rows: [Int32]? = nil,
    recomputesAttention: Bool
  ) throws -> Variable {
    var residual = x
    var attended = try tape.recomputed(x, when: recomputesAttention) { tape, x in
      try attention.mixed(tape, attentionNorm(tape, x), layer: layer, rotary: rotary, context)
    }
    if let rows {
      attended = try tape.selectRows(attended, rows)
      residual = try tape.selectRows(residual, rows)
    }
    attended = tape.project(attended, attention.output)[0]
    let (h, normed) = feedForwardNorm.sum(tape, residual, attended)
    let inner = feedForward.inner(tape, normed)
    return tape.withoutRecomputation { tape.add(h, tape.project(inner, feedForward.down)[0]) }
  }

  var norms: [Norm] { [attentionNorm, feedForwardNorm] }

  /// Every linear map, in the order of the computation.
  package var maps: [Linear] { attention.maps + feedForward.maps }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows {
    try attention.updateMaps(update)
    try feedForward.updateMaps(update)
  }
}
