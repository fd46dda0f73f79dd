import LanguageModels
import Tensors

/// The tensors of a base model with an adapter merged into them: W + scale · B·A in f32, one tensor at a time.
package struct AdaptedWeights: WeightSource {
  private let base: any WeightSource
  private let adapter: AdapterFolder
  private let pool: ThreadPool
  /// PEFT's names by the weight's, and the place of the weight in the model.
  private let namesByWeight: [String: (a: String, b: String)]

  /// - Throws: ``AdapterFolderError`` when the adapter is not for this model.
  package init(_ model: ModelFolder, adapter: AdapterFolder, pool: ThreadPool) throws {
    try adapter.check(against: model.configuration)
    base = model.weights
    self.adapter = adapter
    self.pool = pool
    var names: [String: (a: String, b: String)] = [:]
    for tensor in model.configuration.tensors {
      guard case .weight(let map, let layer) = tensor.role,
        model.configuration.blocks[layer].maps.contains(where: {
          $0.name == map && adapter.configuration.targets.contains($0.shortName)
        })
      else { continue }
      names[tensor.name] = LanguageModel.adapterNames(model.configuration.moduleName(map, layer: layer))
    }
    namesByWeight = names
  }

  package var origin: String { base.origin }
  package func has(_ name: String) -> Bool { base.has(name) }

  package func tensor(named name: String, shape: [Int]) throws -> Tensor {
    let weight = try base.tensor(named: name, shape: shape)
    guard let names = namesByWeight[name] else { return weight }
    func parameter(_ name: String, _ shape: [Int]) throws -> Parameter {
      Parameter(name: name, value: try adapter.tensor(named: name, shape: shape))
    }
    let rank = adapter.configuration.rank
    return try LowRankAdapter(
      a: parameter(names.a, [rank, weight.columns]), b: parameter(names.b, [weight.rows, rank]),
      scale: adapter.configuration.scale
    ).merged(into: weight, pool: pool)
  }
}
