import Tensors

/// A decoder-only transformer: a configuration and its weights, frozen or trainable, with or without an adapter.
///
/// Not `Sendable`: its parameters belong to one training loop or one reader at a time.
package final class LanguageModel {
  package let configuration: ModelConfiguration
  package let compute: Compute
  let embedding: Embedding
  package internal(set) var blocks: [DecoderBlock]
  let finalNorm: Norm?
  /// Over the embedding's values where the configuration ties them.
  package let head: OutputHead
  /// The adapter that stands beside the weights.
  package internal(set) var adapter: AdapterConfiguration?
  /// The adapter's parameters that maps share.
  var sharedAdapterParameters: [Parameter] = []
  /// What an adapter puts before every text.
  var prompt: LearnedPrompt?
  /// The rows of the embedding that an adapter trains.
  var trainedTokens: TrainedTokens?
  /// The adapter whose tensors of the base were read in place of the base's.
  let loadedBeside: AdapterConfiguration?
  /// Made once; an adapter changes nothing of it.
  private(set) lazy var storedTensors = makeStoredTensors()
  /// The files that weights are read from while the model computes.
  private let files: [StoredBytes]
  /// What recording tapes keep of a forward pass.
  package var recomputation = Recomputation.none

  /// Reads every tensor of the configuration.
  ///
  /// - Parameters:
  ///   - plan: In which form the frozen weights are held.
  ///   - longestSequence: The most positions to prepare, where the model was made for more; 8 bytes · D/2 each.
  ///   - trains: Whether a tensor is trained, by its Hugging Face name; the others are prepared for the matrix library
  ///     once and get no gradient.
  ///   - adapter: What will be attached: the weights hold its tensors of the base, which are trained.
  /// - Throws: ``WeightError`` for tensors that are missing, and what the source throws.
  package init(
    _ configuration: ModelConfiguration, weights: any WeightSource, compute: Compute,
    plan: PrecisionPlan = PrecisionPlan(), longestSequence: Int = 1 << 17, beside adapter: AdapterConfiguration? = nil,
    trains: @escaping (String) -> Bool = { _ in false }
  ) throws {
    let missing = configuration.tensors.map(\.name).filter { !weights.has($0) }
    guard missing.isEmpty else { throw WeightError.missing(missing, origin: weights.origin) }
    let trained = Set(adapter.map { configuration.trainedTensors($0).map(\.base) } ?? [])
    let trainsTokens = adapter.map { !$0.base.tokens.isEmpty } ?? false
    let table = configuration.name(of: .embedding)
    loadedBeside = adapter
    let loader = WeightLoader(
      configuration, weights, compute, plan,
      positions: min(configuration.maximumPositions, longestSequence + (adapter?.method.virtualTokens ?? 0))
    ) { trains($0) || trained.contains($0) || trainsTokens && $0 == table }
    let (width, vocabulary) = (configuration.hiddenSize, configuration.vocabularySize)
    self.configuration = configuration
    self.compute = compute
    embedding = try Embedding(configuration.embedding, vocabulary: vocabulary, width: width, loader)
    blocks = try configuration.blocks.enumerated().map { layer, block in
      try DecoderBlock(block, layer: layer, width: width, loader)
    }
    finalNorm = try configuration.finalNorm.map { try Norm($0, .finalNorm, [width], loader) }
    let isTied = configuration.head.isTied
    head = OutputHead(
      isTied ? try loader.matrix(tied: embedding.table) : try loader.matrix(.head, [vocabulary, width]),
      bias: configuration.head.hasBias ? try loader.parameter(TensorRole(.head, "bias", .bias), [vocabulary]) : nil,
      softCap: configuration.head.softCap)
    files = loader.files
  }

  /// - Throws: What tells that weights which are read from files are no longer what they were.
  package func checkFiles() throws {
    for file in files { try file.check() }
  }

  /// Every parameter that training may reach, the adapter's last; frozen matrices are none.
  package var parameters: [Parameter] {
    var all = embedding.parameters
    for block in blocks { all += block.parameters + block.maps.flatMap(\.parameters) }
    all += finalNorm?.parameters ?? []
    if !configuration.head.isTied, let parameter = head.weight.parameter { all.append(parameter) }
    return all + [head.bias].compactMap { $0 } + adapterParameters
  }

  /// What an optimizer changes.
  package var trainableParameters: [Parameter] {
    // Of an embedding some of whose rows are trained, those are changed.
    parameters.filter { $0.isTrainable && $0 !== trainedTokens?.table }
  }
}
