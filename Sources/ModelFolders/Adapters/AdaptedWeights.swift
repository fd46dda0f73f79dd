import LanguageModels
import Tensors

/// The tensors of a base model with an adapter merged into them, in f32, one tensor at a time.
package struct AdaptedWeights: WeightSource {
  private let base: any WeightSource
  private let adapter: AdapterFolder
  private let pool: ThreadPool
  private let shared: [Parameter]
  /// By the name of the weight or the bias.
  private let places: [String: (map: AdaptedMap, isBias: Bool)]
  /// The embedding's name and the adapter's of the rows that it trains.
  private let tokens: (embedding: String, name: String, shape: [Int])?

  /// - Throws: ``AdapterFolderError`` when the adapter is not for this model.
  package init(_ model: ModelFolder, adapter: AdapterFolder, pool: ThreadPool) throws {
    try adapter.check(against: model.configuration)
    base = adapter.weights(beside: model.weights, of: model.configuration)
    self.adapter = adapter
    self.pool = pool
    let maps = model.configuration.adaptedMaps(adapter.configuration)
    var places: [String: (map: AdaptedMap, isBias: Bool)] = [:]
    for map in maps {
      places[map.module + ".weight"] = (map, false)
      places[map.module + ".bias"] = (map, true)
    }
    self.places = places
    tokens = model.configuration.tokenTensor(adapter.configuration).map {
      (model.configuration.name(of: .embedding), $0.name, $0.shape)
    }
    shared = try adapter.configuration.sharedParameters(maps) { try adapter.tensor(named: $0.name, shape: $0.shape) }
  }

  package var origin: String { base.origin }
  package func has(_ name: String) -> Bool { base.has(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    let stored = try base.tensor(named: name, shape: shape)
    if let tokens, name == tokens.embedding {
      let rows = try adapter.tensor(named: tokens.name, shape: tokens.shape)
      let table = stored.copy()
      for (index, place) in adapter.configuration.base.tokens.enumerated() {
        (table.pointer + place * table.columns).update(from: rows.pointer + index * table.columns, count: table.columns)
      }
      return table
    }
    guard let place = places[name] else { return stored }
    let parameters = try adapter.configuration.tensors(place.map).map {
      Parameter(name: $0.name, value: try adapter.tensor(named: $0.name, shape: $0.shape))
    }
    let own = try adapter.configuration.method.adapter(place.map, parameters, shared: shared)
    if place.isBias { return own.merged(bias: stored) }
    let weight = place.map.isTransposed ? stored.transposed() : stored
    let merged = own.merged(into: weight, pool: pool)
    return place.map.isTransposed ? merged.transposed() : merged
  }
}

/// The tensors of a base model, those that an adapter trains in place of the base's own.
struct BesideAdapter: WeightSource {
  let base: any WeightSource
  let adapter: any WeightSource
  /// The adapter's names, by the base's.
  let names: [String: String]

  var origin: String { base.origin }
  func has(_ name: String) -> Bool { base.has(name) }

  func tensor(named name: String, shape: [Int]) throws -> Tensor {
    guard let own = names[name] else { return try base.tensor(named: name, shape: shape) }
    return try adapter.tensor(named: own, shape: shape)
  }

  func stored(named name: String, shape: [Int], transposed: Bool) throws -> (any StoredWeight)? {
    names[name] == nil ? try base.stored(named: name, shape: shape, transposed: transposed) : nil
  }
}
