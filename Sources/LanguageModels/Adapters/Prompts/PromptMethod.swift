import Tensors

/// A method that stands beside no map: what it learns stands before every text.
///
/// Nothing of the model is trained, and no weights without it do the same, so that it cannot be merged.
package protocol PromptMethod: AdapterMethod {
  /// Whether the tokens are keys and values of every layer, in place of embeddings.
  static var standsInLayers: Bool { get }
  /// What makes the tokens while they are learned; nil where they are learned themselves.
  func encoder(for model: ModelConfiguration) -> (any PromptEncoder)?
  /// The same with the tokens themselves in place of what makes them.
  var made: Self { get }
  /// How many numbers a token has, as the shapes of its tensors say.
  ///
  /// - Parameter shapes: By the tensors' names.
  func width(in shapes: [String: [Int]]) -> Int?
  /// The first values of the tokens where nothing makes them; normal with a deviation of 1 unless a method says otherwise.
  ///
  /// - Parameters:
  ///   - width: How many numbers each has.
  ///   - rows: Reads the embedding [V, C].
  /// - Throws: What `rows` throws.
  func start(width: Int, random: CounterRandom, rows: () throws -> Tensor) throws -> Tensor
}

extension PromptMethod {
  package static var standsBesideMaps: Bool { false }
  package static var standsInLayers: Bool { false }
  package func encoder(for model: ModelConfiguration) -> (any PromptEncoder)? { nil }
  package var made: Self { self }
  package func start(width: Int, random: CounterRandom, rows: () throws -> Tensor) throws -> Tensor {
    var random = random
    let values = Tensor(uninitialized: [virtualTokens, width])
    for index in 0..<values.count { values.pointer[index] = random.normal() }
    return values
  }
  package func width(in shapes: [String: [Int]]) -> Int? { shapes[promptTensor]?.last }

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] { [] }
  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] { [] }
  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    NoMapAdapter()
  }
  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    AdapterUpdate(module: map.module, size: 0, isDead: false)
  }
  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) { (0, 0) }
}

/// Nothing beside a map.
private struct NoMapAdapter: MapAdapter {
  var parameters: [Parameter] { [] }
  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable { tape.project(x, [base])[0] }
  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor { weight }
}

/// What PEFT calls the tokens that stand before every text.
let promptTensor = "prompt_embeddings"

extension ModelConfiguration {
  /// The tokens that stand before every text, or what makes them while they are learned; nothing where an adapter has none.
  package func promptTensors(_ adapter: AdapterConfiguration) -> [AdapterTensor] {
    guard let method = adapter.method as? any PromptMethod else { return [] }
    return method.encoder(for: self)?.tensors
      ?? [AdapterTensor(promptTensor, [method.virtualTokens, width(of: method)], .embedding)]
  }

  /// The adapter with its learned tokens in place of what makes them, and these tokens; nil where nothing makes any.
  ///
  /// - Parameter value: The tensor of a name.
  /// - Throws: What `value` throws.
  package func withTokensMade(
    _ adapter: AdapterConfiguration, _ value: (String) throws -> Tensor
  ) throws -> (adapter: AdapterConfiguration, tokens: (name: String, value: Tensor))? {
    guard let method = adapter.method as? any PromptMethod, let encoder = method.encoder(for: self) else { return nil }
    let parameters = try encoder.tensors.map { Parameter(name: $0.name, value: try value($0.name), kind: $0.kind) }
    let tape = Tape(compute: try Compute(threads: 1), records: false)
    var made = adapter
    made.method = method.made
    return (made, (promptTensor, encoder.tokens(tape, parameters).value))
  }

  /// How many numbers a learned token has: an embedding, or keys and values of every layer.
  package func width(of method: any PromptMethod) -> Int {
    guard type(of: method).standsInLayers else { return hiddenSize }
    return blocks.reduce(0) { $0 + $1.attention.cached.keys + $1.attention.cached.values }
  }

  /// - Throws: ``AdapterError`` where tokens cannot stand before the texts of this model.
  func validatePrompt(_ adapter: AdapterConfiguration) throws(AdapterError) {
    let count = adapter.method.virtualTokens
    guard count < maximumPositions else {
      throw .option(
        "virtual_tokens", wanted: "a number below the \(maximumPositions) positions of the model", found: "\(count)")
    }
    if let method = adapter.method as? any PromptMethod, type(of: method).standsInLayers { try validatePrefix() }
    if let method = adapter.method as? any PromptMethod, !type(of: method).standsInLayers {
      guard embedding.scale == 1 || family.name.hasPrefix("gemma") else { throw .scaledEmbedding(family: family.name) }
    }
    guard adapter.base == .none else { throw .noBaseBesidePrompt(adapter.method.name) }
  }

  /// - Throws: ``AdapterError/noPrefix(family:because:)`` where keys and values cannot stand before those of the layers.
  private func validatePrefix() throws(AdapterError) {
    func refuse(_ reason: String) -> AdapterError { .noPrefix(family: family.name, because: reason) }
    guard let first = blocks.first?.attention else { return }
    for block in blocks {
      let attention = block.attention
      switch attention.projections {
      case .separate, .fused(_, .consecutive): break
      case .fused(_, .grouped): throw refuse("its keys stand between its queries")
      case .latent: throw refuse("its keys and values are made of short vectors")
      }
      guard attention.cached == first.cached, attention.headDimension == attention.valueDimension else {
        throw refuse("its layers have keys of several sizes")
      }
      // PEFT takes the width of the keys from these.
      guard attention.heads * attention.headDimension == hiddenSize else {
        throw refuse("PEFT takes heads for as wide as the model's width divided by their number")
      }
      guard attention.rotary?.scaling.attentionFactor ?? 1 == 1, boundary == nil else {
        throw refuse("its rotary positions change lengths")
      }
      guard block.experts == nil else { throw refuse("its routers would count the places of the keys as tokens") }
    }
  }
}
