import Tensors

/// What an adapter does at one linear map.
package struct AdapterUpdate: Sendable, Hashable {
  /// The map, as Hugging Face names it: `model.layers.0.self_attn.q_proj`.
  package var module: String
  /// How far it is from changing nothing: the Euclidean norm of what is added to the weight, or of what its numbers differ
  /// from those that change nothing.
  package var size: Double
  /// Whether nothing there has a gradient, so that it stays as it is.
  package var isDead: Bool

  package init(module: String, size: Double, isDead: Bool) {
    self.module = module
    self.size = size
    self.isDead = isDead
  }
}

extension ModelConfiguration {
  /// The updates of an adapter, block by block.
  ///
  /// Cost: each tensor is read once, and what ``AdapterMethod/update(_:_:)`` takes of each map.
  /// - Parameter tensor: Gives a tensor by PEFT's name.
  /// - Throws: What `tensor` throws.
  package func adapterUpdates(
    _ adapter: AdapterConfiguration, pool: ThreadPool, tensor: (_ name: String, _ shape: [Int]) throws -> Tensor
  ) throws -> [AdapterUpdate] {
    let maps = adaptedMaps(adapter)
    let shared = try adapter.sharedParameters(maps) { try tensor($0.name, $0.shape) }.map(\.value)
    let values = try maps.map { map in try adapter.tensors(map).map { try tensor($0.name, $0.shape) } + shared }
    var updates = maps.map { AdapterUpdate(module: $0.module, size: 0, isDead: false) }
    updates.withUnsafeMutableBufferPointer { updates in
      guard let updates = updates.baseAddress else { return }
      pool.tiles(maps.count) { updates[$0] = adapter.method.update(maps[$0], values[$0]) }
    }
    return updates
  }
}

extension LanguageModel {
  /// The updates of the adapter as it stands; none without one.
  package var adapterUpdates: [AdapterUpdate] {
    get throws {
      guard let adapter else { return [] }
      let values = Dictionary(uniqueKeysWithValues: adapterParameters.map { ($0.name, $0.value) })
      return try configuration.adapterUpdates(adapter, pool: compute.pool) { name, _ in
        guard let value = values[name] else { throw WeightError.unknown(name: name) }
        return value
      }
    }
  }
}

/// The length of Σ signᵢ · BᵢAᵢ for thin matrices Aᵢ [R, in] and Bᵢ [out, R], which is never made.
///
/// ‖Σ BᵢAᵢ‖² is the sum of the products of BᵢᵀBⱼ and AᵢAⱼᵀ, element by element: R² · (in + out) multiply-adds a pair.
struct LowRankSum {
  let length: Double

  init(_ a: [Tensor], _ b: [Tensor], _ signs: [Double]) {
    var sum = 0.0
    for i in a.indices {
      for j in a.indices {
        let (rows, columns) = (rowProducts(a[i], a[j]), rowProducts(b[i].transposed(), b[j].transposed()))
        sum += signs[i] * signs[j] * zip(rows, columns).reduce(0) { $0 + $1.0 * $1.1 }
      }
    }
    length = max(0, sum).squareRoot()
  }
}
