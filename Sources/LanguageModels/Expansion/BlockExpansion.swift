import PreciseJSON
import Tensors

/// A model with more blocks: copies at equal distances that add nothing to what goes through them (LLaMA-Pro,
/// arXiv:2401.02415).
///
/// A copy stands behind the last block of each stretch and is like it, but for what writes into the residual stream, which
/// is zero: so the model computes what it did before, until the copies are trained.
package struct BlockExpansion: Sendable, Hashable {
  package let base: ModelConfiguration
  /// The model with the copies in it.
  package let configuration: ModelConfiguration
  /// The block of the base that each block is, or is a copy of.
  package let sources: [Int]
  /// The numbers of the copies.
  package let copies: [Int]
  private let isCopy: [Bool]

  /// - Parameter count: How many copies; divides the blocks of the base.
  /// - Throws: ``BlockExpansionError``.
  package init(of base: ModelConfiguration, copies count: Int) throws(BlockExpansionError) {
    let blocks = base.blocks.count
    guard count >= 1, blocks % count == 0 else { throw .uneven(copies: count, blocks: blocks) }
    let stretch = blocks / count
    var (sources, copies): ([Int], [Int]) = ([], [])
    for block in 0..<blocks {
      sources.append(block)
      guard (block + 1) % stretch == 0 else { continue }
      copies.append(sources.count)
      sources.append(block)
    }
    var configuration = base
    configuration.blocks = sources.map { base.blocks[$0] }
    // What a file cannot say of single blocks it says of all.
    guard (try? ModelConfiguration(huggingFace: JSON(configuration.huggingFaceMembers))) == configuration else {
      throw .unsayable(family: base.family.name)
    }
    self.base = base
    self.configuration = configuration
    self.sources = sources
    self.copies = copies
    isCopy = sources.indices.map(Set(copies).contains)
  }

  /// The tensor of the base that a tensor is taken from, by Hugging Face's names; nil for one that is zero.
  package func source(of tensor: TensorSpecification) -> String? {
    guard case .block(let name, let layer) = tensor.role.place else { return tensor.name }
    if isCopy[layer], configuration.blocks[layer].writesResidual(name, tensor.role) { return nil }
    return copied(tensor)
  }

  /// The tensor of the base that a tensor is like, by Hugging Face's names.
  package func copied(_ tensor: TensorSpecification) -> String {
    guard case .block(let name, let layer) = tensor.role.place else { return tensor.name }
    var role = tensor.role
    role.place = .block(name, layer: sources[layer])
    return base.name(of: role)
  }
}

extension BlockConfiguration {
  /// Whether a tensor decides what is added to the residual stream: of the maps that come last, or what a norm behind them
  /// adds to what they give.
  fileprivate func writesResidual(_ name: String, _ role: TensorRole) -> Bool {
    if role.suffix == "bias", [attentionOutputNorm, feedForwardOutputNorm].contains(where: { $0?.name == name }) {
      return true
    }
    if name == attention.output.name { return true }
    guard let experts else { return name == feedForward.down.name }
    return name == experts.shared?.down.name || experts.isLast(name)
  }
}

extension ExpertsConfiguration {
  /// Whether a stored tensor is of the last maps of experts.
  fileprivate func isLast(_ name: String) -> Bool {
    switch storage {
    case .each(let prefix, _, _, let down): name.hasPrefix(prefix + ".") && name.hasSuffix("." + down)
    case .stacked(_, let output): name == output
    case .interleaved(_, let output): name == output || name == output + "_bias"
    }
  }
}

/// The weights of a model with more blocks, made of those of its base.
package struct ExpandedWeights: WeightSource {
  private let base: any WeightSource
  private let expansion: BlockExpansion
  private let tensors: [String: TensorSpecification]

  package init(_ base: any WeightSource, _ expansion: BlockExpansion) {
    self.base = base
    self.expansion = expansion
    tensors = expansion.configuration.tensorsByName
  }

  package var origin: String { base.origin }
  package func has(_ name: String) -> Bool { tensors[name].map { base.has(expansion.copied($0)) } ?? false }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let tensor = tensors[name] else { throw WeightError.unknown(name: name) }
    guard let source = expansion.source(of: tensor) else { return Tensor(shape: shape) }
    return try base.tensor(named: source, shape: shape)
  }
}
