import Tensors

/// What the parameters of a model hold when they are read from weights: of a file with rows and columns exchanged the matrix as
/// it is computed with, and of a tensor with all experts the part of each.
package final class ParameterSource: WeightSource {
  private let configuration: ModelConfiguration
  private let weights: any WeightSource
  private let compute: Compute
  /// The names of weights that lie with rows and columns exchanged.
  private let transposed: Set<String>
  /// The parts of the experts of the block that was asked for last.
  private var experts: (layer: Int, parts: [String: Tensor]) = (-1, [:])

  package init(_ configuration: ModelConfiguration, _ weights: any WeightSource, compute: Compute) {
    self.configuration = configuration
    self.weights = weights
    self.compute = compute
    transposed = Set(
      configuration.blocks.enumerated().flatMap { layer, block in
        block.maps.filter(\.isTransposed).map { configuration.name(of: .weight($0.name, layer: layer)) }
      })
  }

  package var origin: String { weights.origin }
  package func has(_ name: String) -> Bool { weights.has(name) || layer(ofPart: name) != nil }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    if let layer = layer(ofPart: name) {
      if experts.layer != layer { experts = (layer, try parts(layer)) }
      guard let part = experts.parts[name] else { throw WeightError.unknown(name: name) }
      return part
    }
    guard transposed.contains(name) else { return try weights.tensor(named: name, shape: shape) }
    return try weights.tensor(named: name, shape: shape.reversed()).transposed()
  }

  /// The block whose experts lie in common tensors of which `name` is a part.
  private func layer(ofPart name: String) -> Int? {
    guard name.contains("["), !weights.has(name) else { return nil }
    return configuration.blocks.indices.first { layer in
      guard let experts = configuration.blocks[layer].experts else { return false }
      return experts.tensors(layer: layer).contains { name.hasPrefix(configuration.name(of: $0.role) + "[") }
    }
  }

  private func parts(_ layer: Int) throws -> [String: Tensor] {
    guard let experts = configuration.blocks[layer].experts else { return [:] }
    let loader = WeightLoader(configuration, weights, compute, PrecisionPlan(), positions: 0) { _ in true }
    let parameters = try ExpertStorage(experts, layer: layer).load(loader).flatMap(\.parameters)
    return Dictionary(parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}
