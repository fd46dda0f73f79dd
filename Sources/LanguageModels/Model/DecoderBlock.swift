import Tensors

/// A decoder block with its weights.
///
/// Sequential: h = x + attention(norm(x)), then h + feedForward(norm(h)); parallel: x + attention(norm(x)) +
/// feedForward(norm(x)). What either gives may be normed and scaled before it is added.
package struct DecoderBlock {
  package let configuration: BlockConfiguration
  private let attentionNorm: Norm?
  private let attentionOutputNorm: Norm?
  private let feedForwardNorm: Norm?
  private let feedForwardOutputNorm: Norm?
  private var attention: Attention
  private var feedForward: FeedForward?
  private var experts: Experts?

  /// - Parameter width: C.
  init(_ configuration: BlockConfiguration, layer: Int, width: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    func norm(_ norm: NormConfiguration?) throws -> Norm? {
      try norm.map { try Norm($0, .block($0.name, layer: layer), [width], loader) }
    }
    attentionNorm = try norm(configuration.attentionNorm)
    attentionOutputNorm = try norm(configuration.attentionOutputNorm)
    feedForwardNorm = try norm(configuration.feedForwardNorm)
    feedForwardOutputNorm = try norm(configuration.feedForwardOutputNorm)
    attention = try Attention(configuration.attention, layer: layer, loader)
    experts = try configuration.experts.map { try Experts($0, layer: layer, loader) }
    feedForward = experts == nil ? try FeedForward(configuration.feedForward, layer: layer, loader) : nil
  }

  /// The block's result for the chosen rows.
  ///
  /// - Parameters:
  ///   - layer: The block's number.
  ///   - prefix: What stands before the layer's own keys and values.
  ///   - rows: The rows to go on with after attention; all of them when nil.
  ///   - recomputesAttention: Whether attention is run again in the backward pass in place of being kept.
  func callAsFunction(
    _ tape: Tape, _ x: Variable, layer: Int, _ context: AttentionContext, prefix: LayerPrefix? = nil,
    rows: [Int32]? = nil, recomputesAttention: Bool
  ) throws -> Variable {
    var residual = x
    var attended = try tape.recomputed(x, when: recomputesAttention) { tape, x in
      try attention.mixed(tape, attentionNorm?(tape, x) ?? x, layer: layer, context, prefix)
    }
    if let rows {
      attended = try tape.selectRows(attended, rows)
      residual = try tape.selectRows(residual, rows)
    }
    attended = tape.project(attended, attention.output)[0]
    if let attentionOutputNorm { attended = attentionOutputNorm(tape, attended) }
    attended = tape.scale(attended, by: configuration.residualScale)
    let (h, input) = feedForwardInput(tape, residual, attended)
    if let feedForward, feedForwardOutputNorm == nil, configuration.residualScale == 1 {
      let inner = feedForward.inner(tape, input)
      return tape.withoutRecomputation { tape.add(h, tape.project(inner, feedForward.down)[0]) }
    }
    var fed = fed(tape, input)
    if let feedForwardOutputNorm { fed = feedForwardOutputNorm(tape, fed) }
    return tape.add(h, tape.scale(fed, by: configuration.residualScale))
  }

  /// What the feed-forward part or the experts make of their input.
  private func fed(_ tape: Tape, _ input: Variable) -> Variable {
    if let experts { return experts(tape, input) }
    guard let feedForward else { preconditionFailure("A block has one of both") }
    return tape.project(feedForward.inner(tape, input), feedForward.down)[0]
  }

  /// What the feed-forward part is added to, and what it reads.
  private func feedForwardInput(
    _ tape: Tape, _ residual: Variable, _ attended: Variable
  ) -> (sum: Variable, input: Variable) {
    switch configuration.wiring {
    case .sequential:
      if let feedForwardNorm {
        let (sum, normed) = feedForwardNorm.sum(tape, residual, attended)
        return (sum, normed)
      }
      let sum = tape.add(residual, attended)
      return (sum, sum)
    case .parallel:
      let input = (feedForwardNorm ?? attentionNorm)?(tape, residual) ?? residual
      return (tape.add(residual, attended), input)
    }
  }

  /// Every parameter but those of the maps.
  var parameters: [Parameter] {
    [attentionNorm, attentionOutputNorm, feedForwardNorm, feedForwardOutputNorm].flatMap { $0?.parameters ?? [] }
      + attention.parameters + (experts?.parameters ?? [])
  }

  /// Every linear map but those of experts, in the order of the computation.
  package var maps: [Linear] { attention.maps + (experts?.maps ?? feedForward?.maps ?? []) }

  /// What makes the stored tensors of experts; see ``Experts/stored(layer:)``.
  func storedExperts(layer: Int) -> [(role: TensorRole, make: () -> Tensor?)] { experts?.stored(layer: layer) ?? [] }

  mutating func updateMaps(_ update: (inout Linear) throws -> Void) rethrows {
    try attention.updateMaps(update)
    try feedForward?.updateMaps(update)
    try experts?.updateMaps(update)
  }
}
