import Tensors

/// A decoder-only transformer: a configuration and its weights, frozen or trainable, with or without an adapter.
///
/// Not `Sendable`: its parameters belong to one training loop or one reader at a time.
package final class LanguageModel {
  package let configuration: ModelConfiguration
  package let compute: Compute
  /// [V, C].
  package let embedding: Parameter
  package internal(set) var blocks: [DecoderBlock]
  let finalNorm: Norm
  /// [V, C]; over the embedding's values where the configuration ties them.
  package let head: MatrixWeight
  package let rotary: RotaryTable
  /// The adapter that stands beside the weights.
  package internal(set) var adapter: AdapterConfiguration?
  /// What recording tapes keep of a forward pass.
  package var recomputation = Recomputation.none

  /// Reads every tensor of the configuration.
  ///
  /// - Parameters:
  ///   - longestSequence: The most positions to prepare, where the model was made for more; 8 bytes · D/2 each.
  ///   - trains: Whether a tensor is trained, by its Hugging Face name; the others are prepared for the matrix library
  ///     once and get no gradient.
  /// - Throws: ``WeightError`` for tensors that are missing, and what the source throws.
  package init(
    _ configuration: ModelConfiguration, weights: any WeightSource, compute: Compute,
    longestSequence: Int = 1 << 17, trains: @escaping (String) -> Bool = { _ in false }
  ) throws {
    let missing = configuration.tensors.map(\.name).filter { !weights.has($0) }
    guard missing.isEmpty else { throw WeightError.missing(missing, origin: weights.origin) }
    let loader = WeightLoader(configuration: configuration, weights: weights, compute: compute, trains: trains)
    let width = configuration.hiddenSize
    self.configuration = configuration
    self.compute = compute
    embedding = try loader.parameter(.embedding, [configuration.vocabularySize, width])
    blocks = try configuration.blocks.enumerated().map { layer, block in
      try DecoderBlock(block, layer: layer, width: width, loader)
    }
    finalNorm = Norm(configuration.finalNorm, try loader.parameter(.finalNorm, [width]))
    head = try loader.matrix(
      configuration.tiesHead ? embedding : loader.parameter(.head, [configuration.vocabularySize, width]),
      isShared: configuration.tiesHead)
    rotary = configuration.rotary.table(
      dimension: configuration.headDimension, positions: min(configuration.maximumPositions, longestSequence))
  }

  /// Every parameter that training may reach, the adapter's last; frozen matrices are none.
  package var parameters: [Parameter] {
    var all = [embedding]
    for block in blocks { all += block.norms.map(\.weight) + block.maps.flatMap(\.parameters) }
    all.append(finalNorm.weight)
    if !configuration.tiesHead, let parameter = head.parameter { all.append(parameter) }
    return all + adapterParameters
  }

  /// What an optimizer changes.
  package var trainableParameters: [Parameter] { parameters.filter(\.isTrainable) }
}
