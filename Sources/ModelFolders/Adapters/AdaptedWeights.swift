import LanguageModels
import Tensors

/// The tensors of a base model with an adapter merged into them: W + scale · B·A in f32, one tensor at a time.
package struct AdaptedWeights: WeightSource {
  private let base: any WeightSource
  private let adapter: AdapterFolder
  private let pool: ThreadPool
  /// By the weight's name.
  private let places: [String: Place]

  /// Where an adapter adds to a weight.
  private struct Place {
    /// PEFT's.
    var names: (a: String, b: String)
    /// Whether the weight is stored as [in, out].
    var isTransposed: Bool
  }

  /// - Throws: ``AdapterFolderError`` when the adapter is not for this model.
  package init(_ model: ModelFolder, adapter: AdapterFolder, pool: ThreadPool) throws {
    try adapter.check(against: model.configuration)
    base = model.weights
    self.adapter = adapter
    self.pool = pool
    var places: [String: Place] = [:]
    for tensor in model.configuration.tensors {
      guard tensor.role.kind == .matrix, case .block(let name, let layer) = tensor.role.place,
        let map = model.configuration.blocks[layer].maps.first(where: { $0.name == name }),
        adapter.configuration.adapts(map)
      else { continue }
      places[tensor.name] = Place(
        names: LanguageModel.adapterNames(model.configuration.moduleName(name, layer: layer)),
        isTransposed: map.isTransposed)
    }
    self.places = places
  }

  package var origin: String { base.origin }
  package func has(_ name: String) -> Bool { base.has(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    let stored = try base.tensor(named: name, shape: shape)
    guard let place = places[name] else { return stored }
    let weight = place.isTransposed ? stored.transposed() : stored
    func parameter(_ name: String, _ shape: [Int]) throws -> Parameter {
      Parameter(name: name, value: try adapter.tensor(named: name, shape: shape))
    }
    let rank = adapter.configuration.rank
    let merged = try LowRankAdapter(
      a: parameter(place.names.a, [rank, weight.columns]), b: parameter(place.names.b, [weight.rows, rank]),
      scale: adapter.configuration.scale
    ).merged(into: weight, pool: pool)
    return place.isTransposed ? merged.transposed() : merged
  }
}
