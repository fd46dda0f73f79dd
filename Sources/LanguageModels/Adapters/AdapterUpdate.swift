import Tensors

/// How large an adapter's two matrices are at one linear map, and the change they make to it together.
package struct AdapterUpdate: Sendable, Hashable {
  /// The map, as Hugging Face names it: `model.layers.0.self_attn.q_proj`.
  package var module: String
  /// ‖A‖ and ‖B‖, Euclidean norms of all elements.
  package var a: Double
  package var b: Double
  /// ‖scale · B·A‖.
  package var product: Double

  package init(module: String, a: Double, b: Double, product: Double) {
    self.module = module
    self.a = a
    self.b = b
    self.product = product
  }
}

extension ModelConfiguration {
  /// The updates of an adapter, block by block.
  ///
  /// Cost: each matrix is read once, R² · (in + out) multiply-adds a map; B·A is never made.
  /// - Parameter tensor: Gives a tensor by PEFT's name.
  /// - Throws: What `tensor` throws.
  package func adapterUpdates(
    _ adapter: AdapterConfiguration, pool: ThreadPool, tensor: (_ name: String, _ shape: [Int]) throws -> Tensor
  ) throws -> [AdapterUpdate] {
    let tensors = adapterTensors(adapter)
    var pairs: [(module: String, a: Tensor, b: Tensor)] = []
    for index in stride(from: 0, to: tensors.count, by: 2) {
      let (a, b) = (tensors[index], tensors[index + 1])
      pairs.append(
        (LanguageModel.module(ofAdapterTensor: a.name), try tensor(a.name, a.shape), try tensor(b.name, b.shape)))
    }
    var updates = pairs.map { AdapterUpdate(module: $0.module, a: 0, b: 0, product: 0) }
    let scale = abs(Double(adapter.scale))
    updates.withUnsafeMutableBufferPointer { updates in
      guard let updates = updates.baseAddress else { return }
      pool.tiles(pairs.count) { index in
        let (a, b) = (rowProducts(pairs[index].a), columnProducts(pairs[index].b))
        let rank = pairs[index].a.rows
        updates[index].a = (0..<rank).reduce(0) { $0 + a[$1 * rank + $1] }.squareRoot()
        updates[index].b = (0..<rank).reduce(0) { $0 + b[$1 * rank + $1] }.squareRoot()
        // ‖B·A‖² is the sum of the products of BᵀB and AAᵀ, element by element.
        updates[index].product = max(0, zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }).squareRoot() * scale
      }
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

/// A·Aᵀ [R, R] for A [R, in].
private func rowProducts(_ a: Tensor) -> [Double] {
  let (rank, width) = (a.rows, a.columns)
  var products = [Double](repeating: 0, count: rank * rank)
  for row in 0..<rank {
    for other in 0...row {
      var sum = 0.0
      for column in 0..<width {
        sum += Double(a.pointer[row * width + column]) * Double(a.pointer[other * width + column])
      }
      products[row * rank + other] = sum
      products[other * rank + row] = sum
    }
  }
  return products
}

/// Bᵀ·B [R, R] for B [out, R].
private func columnProducts(_ b: Tensor) -> [Double] {
  let (height, rank) = (b.rows, b.columns)
  var products = [Double](repeating: 0, count: rank * rank)
  for row in 0..<height {
    let values = b.pointer + row * rank
    for column in 0..<rank {
      let value = Double(values[column])
      for other in 0..<rank { products[column * rank + other] += value * Double(values[other]) }
    }
  }
  return products
}
