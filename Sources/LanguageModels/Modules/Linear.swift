import Tensors

/// What a linear map of a block is: its name, its shape, whether it adds a bias.
package struct LinearConfiguration: Sendable, Hashable {
  /// Its place in a block, as the family's own code names it, such as `self_attn.q_proj`.
  package var name: String
  package var inputs: Int
  package var outputs: Int
  package var hasBias: Bool
  /// Which products are in bytes in the int8 class (decision 0010).
  package var int8Products: MatrixWeight.Int8Products
  /// Whether Hugging Face's files store it as [in, out].
  package var isTransposed: Bool

  package init(
    _ name: String, inputs: Int, outputs: Int, hasBias: Bool = false, int8Products: MatrixWeight.Int8Products = .both,
    isTransposed: Bool = false
  ) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.hasBias = hasBias
    self.int8Products = int8Products
    self.isTransposed = isTransposed
  }

  /// The last part of the name, by which adapter targets are named.
  package var shortName: String { String(name.split(separator: ".").last ?? "") }

  /// The tensors that the map is stored in.
  func tensors(layer: Int) -> [(role: TensorRole, shape: [Int])] {
    [(.weight(name, layer: layer), isTransposed ? [inputs, outputs] : [outputs, inputs])]
      + (hasBias ? [(.bias(name, layer: layer), [outputs])] : [])
  }
}

/// A linear map of a block with its weights.
package struct Linear {
  package let configuration: LinearConfiguration
  package private(set) var projection: Projection
  /// What an adapter has beside the map.
  package private(set) var adapter: (any MapAdapter)?

  init(_ configuration: LinearConfiguration, layer: Int, _ loader: WeightLoader) throws {
    self.configuration = configuration
    let bias =
      configuration.hasBias
      ? try loader.parameter(.bias(configuration.name, layer: layer), [configuration.outputs]) : nil
    let weight = try loader.matrix(
      .weight(configuration.name, layer: layer), [configuration.outputs, configuration.inputs],
      int8: configuration.int8Products, isTransposed: configuration.isTransposed)
    projection = try Projection(weight: weight, bias: bias)
  }

  /// Every parameter but the adapter's; a frozen matrix is none.
  var parameters: [Parameter] { [projection.weight.parameter, projection.bias].compactMap { $0 } }

  /// The adapter's tensors; none without one.
  package var adapterParameters: [Parameter] { adapter?.parameters ?? [] }

  /// Whether its adapter is more than what the map's own product takes along.
  fileprivate var isWrapped: Bool { adapter.map { $0.fused == nil } ?? false }

  mutating func attach(_ adapter: any MapAdapter) {
    self.adapter = adapter
    if let fused = adapter.fused { projection = projection.with(adapter: fused) }
  }
}

extension Tape {
  /// Several linear maps of the same rows.
  func project(_ x: Variable, _ maps: Linear...) -> [Variable] { project(x, maps) }

  /// Several linear maps of the same rows: in one pass, but for those that an adapter is wrapped around.
  func project(_ x: Variable, _ maps: [Linear]) -> [Variable] {
    let together = maps.filter { !$0.isWrapped }.map(\.projection)
    var plain = (together.isEmpty ? [] : project(x, together)).makeIterator()
    return maps.compactMap { map in
      guard map.isWrapped, let adapter = map.adapter else { return plain.next() }
      return computing { adapter.adapt(self, x, map.projection) }
    }
  }
}
