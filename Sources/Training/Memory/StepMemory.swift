import LanguageModels
import Tensors

/// The most memory that tensors take in a training step, by the arithmetic of what each operation saves; in bytes.
///
/// An estimate: a test holds it against the measured peak. Letters as in ``ModelConfiguration``; T tokens and L labels of
/// the largest batch.
package struct StepMemory: Sendable, Hashable {
  /// The weights, as floats and as packed for the matrix library.
  package let model: Int
  /// The gradients of what is trained and the optimizer's two moments.
  package let optimizer: Int
  /// What is kept of a forward pass until the backward pass gets there.
  package let activations: Int
  /// What comes on top at the busiest moment: the head with its loss, or the backward pass of a block.
  package let work: Int

  package var peak: Int { model + optimizer + activations + work }

  /// - Parameters:
  ///   - adapter: What is trained; all weights when nil.
  ///   - tokens: T.
  ///   - labels: L; as many as tokens unless given.
  package init(
    _ configuration: ModelConfiguration, _ computeClass: ComputeClass, adapter: AdapterConfiguration?, tokens: Int,
    labels: Int? = nil, recomputation: Recomputation = .none
  ) {
    let labels = min(tokens, labels ?? tokens)
    let weights = WeightMemory(configuration, computeClass, adapter: adapter)
    func memory(_ block: BlockConfiguration, rows: Int) -> BlockMemory {
      BlockMemory(block, configuration.hiddenSize, computeClass, adapter: adapter, tokens: tokens, rows: rows)
    }
    let others = configuration.blocks.dropLast().map { memory($0, rows: tokens) }
    // The last block goes on with label rows alone, and `block` does not recompute it.
    let last = memory(configuration.blocks[configuration.blocks.count - 1], rows: labels)
    model = weights.stored
    optimizer = 3 * weights.trained
    activations =
      others.reduce(0) { $0 + $1.kept(recomputation) } + last.kept(recomputation == .block ? .none : recomputation)
    // Nothing is left of the last block when the others run back.
    let another = others.map { $0.backward(recomputation) - last.kept(.none) }.max() ?? 0
    work = max(weights.head(labels: labels), last.backward(.none), another)
  }
}

/// What weights take.
private struct WeightMemory {
  private let configuration: ModelConfiguration
  private let trainsHead: Bool
  let stored: Int
  /// What is trained, as floats.
  let trained: Int

  init(_ configuration: ModelConfiguration, _ computeClass: ComputeClass, adapter: AdapterConfiguration?) {
    self.configuration = configuration
    trainsHead = adapter == nil
    let rounds = computeClass.takesBF16
    let kernels = (try? KernelSet.chosenByEnvironment())?.name
    let packs = rounds || kernels == .avx512 || kernels == .avx2
    // Both orientations; of frozen matrices that are packed nothing else is kept.
    let packed = rounds || computeClass == .int16 && adapter != nil ? 4 : packs ? 8 : 0
    let matrix = packed + (packs && adapter != nil ? 0 : 4)
    let head = configuration.vocabularySize * configuration.hiddenSize
    let inBytes = computeClass == .int8 && adapter != nil
    let maps = configuration.blocks.flatMap(\.maps).reduce(0.0) {
      let elements = Double($1.inputs * $1.outputs)
      return $0 + elements * (inBytes ? WeightMemory.bytes($1.int8Products) : Double(matrix))
    }
    let adapted = adapter.map { configuration.adapterTensors($0).reduce(0) { $0 + $1.shape.reduce(1, *) } }
    stored =
      Int(maps) + head * 4 + head * (configuration.head.isTied ? packed : matrix)
      + (adapted ?? 0) * 4
    trained = (adapted ?? configuration.parameterCount) * 4
  }

  /// Bytes of an element of both orientations in the int8 class: 9/8 in bytes with their scales, 2 otherwise.
  private static func bytes(_ products: MatrixWeight.Int8Products) -> Double {
    switch products {
    case .none: 4
    case .backward: 2 + 9 / 8
    case .both: 18 / 8
    }
  }

  /// A block of the head's rows with its scores, the shares of dx of their chunks, and dx of all labels.
  func head(labels: Int) -> Int {
    let (width, vocabulary) = (configuration.hiddenSize, configuration.vocabularySize)
    let rows = min(labels, max(16, min(256, (1 << 24) / vocabulary)))
    let chunks = (vocabulary + 2047) / 2048
    let dHead = trainsHead ? Tensor.memory([vocabulary, width]) : 0
    return Tensor.memory([rows, vocabulary]) + Tensor.memory([chunks, rows * width])
      + 3 * Tensor.memory([labels, width]) + dHead
  }
}

/// What a decoder block keeps, as its operations document it.
private struct BlockMemory {
  /// The block's input.
  private let input: Int
  /// The first norm, query, key and value maps and attention, without the block's input.
  private let attention: Int
  /// Attention's result where it is kept for the output map although attention is not.
  private let attended: Int
  /// From the output map on.
  private let rest: Int
  /// The gradients that wait for each other while the second half of a block runs back.
  private let gradients: Int
  /// Those while attention runs back.
  private let attentionGradients: Int

  init(
    _ block: BlockConfiguration, _ hidden: Int, _ computeClass: ComputeClass, adapter: AdapterConfiguration?,
    tokens: Int, rows: Int
  ) {
    let (attending, feeding) = (block.attention, block.feedForward)
    let wide = feeding.size
    let queries = attending.heads * attending.headDimension
    let keys = attending.keyValueHeads * attending.headDimension
    let (reading, gating) = (attending.maps.dropLast(), feeding.maps.dropLast())
    let rounds = computeClass.takesBF16
    func full(_ count: Int, _ width: Int) -> Int { Tensor.memory([count, width]) }
    func half(_ count: Int, _ width: Int) -> Int { Tensor.memory([count, (width + 1) / 2]) }
    func ranks(_ maps: [LinearConfiguration]) -> Int {
      adapter.map { adapter in maps.count { adapter.targets.contains($0.shortName) } * adapter.rank } ?? 0
    }
    // Adapters keep the input of their maps, rounded where the class rounds, trained maps their input as it is.
    func saved(_ count: Int, _ width: Int, _ maps: [LinearConfiguration]) -> Int {
      if adapter == nil { return full(count, width) }
      return ranks(maps) == 0 ? 0 : rounds ? half(count, width) : full(count, width)
    }
    func adapted(_ count: Int, _ maps: [LinearConfiguration]) -> Int {
      ranks(maps) == 0 ? 0 : full(count, ranks(maps))
    }

    input = full(tokens, hidden)
    attention =
      saved(tokens, hidden, Array(reading))
      + adapted(tokens, Array(reading)) + 2 * full(tokens, queries)
      + 2 * full(tokens, keys)
      + full(tokens, attending.heads)
    let copiesAttended = rounds && adapter != nil
    attended = copiesAttended ? 0 : saved(tokens, queries, [attending.output])
    let output = copiesAttended ? saved(rows, queries, [attending.output]) : 0
    let gates = 2 * (rounds ? half(rows, wide) : full(rows, wide))
    rest =
      output + adapted(rows, [attending.output]) + full(rows, hidden) + saved(rows, hidden, Array(gating))
      + adapted(rows, Array(gating)) + gates + saved(rows, wide, [feeding.down]) + adapted(rows, [feeding.down])
    let shares = adapter.map { adapter in
      let sides = block.maps.filter { adapter.targets.contains($0.shortName) }.reduce(0) { $0 + $1.inputs + $1.outputs }
      return tokens / 64 * adapter.rank * sides * 4
    }
    // What only operations on rows see exists for a tile; the gradients of weights are made of whole arrays.
    let inside = adapter == nil ? 3 * full(rows, wide) + full(tokens, hidden) : 0
    gradients = inside + 3 * full(tokens, hidden) + (shares ?? 0)
    attentionGradients = gradients + 2 * full(tokens, queries) + 2 * full(tokens, keys)
  }

  /// What comes on top while the block runs back; attention does so when nothing is left of the second half.
  func backward(_ recomputation: Recomputation) -> Int {
    switch recomputation {
    case .none: max(gradients, attentionGradients - rest)
    case .attention: max(gradients, attention - attended + attentionGradients - rest)
    case .block: max(attention + rest + gradients, attention + attentionGradients)
    }
  }

  func kept(_ recomputation: Recomputation) -> Int {
    switch recomputation {
    case .none: input + attention + rest
    case .attention: input + attended + rest
    case .block: input
    }
  }
}
