import PreciseJSON
import Tensors

/// W + scale · (B₁A₁ ∘ B₂A₂), the product element by element of two of low rank (arXiv:2108.06098).
package struct LoHa: AdapterMethod {
  /// R of both.
  package var rank: Int
  /// Numerator of the scale.
  package var alpha: Float
  /// Other ranks and alphas for some maps.
  package var rankPattern: [ModulePattern<Int>]
  package var alphaPattern: [ModulePattern<Float>]

  package init(
    rank: Int, alpha: Float? = nil, rankPattern: [ModulePattern<Int>] = [], alphaPattern: [ModulePattern<Float>] = []
  ) {
    self.rank = rank
    self.alpha = alpha ?? Float(2 * rank)
    self.rankPattern = rankPattern
    self.alphaPattern = alphaPattern
  }

  package static let name = "loha"
  package static let summary = "the product, element by element, of two products of thin matrices beside a frozen one"
  package static let options: Set<AdapterOptions.Name> = [.rank, .alpha, .rankPattern, .alphaPattern]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(
      rank: options.rank ?? 8, alpha: options.alpha, rankPattern: options.rankPattern ?? [],
      alphaPattern: options.alphaPattern ?? [])
  }

  package func validate() throws(AdapterError) { try RankAndAlpha(rank, alpha, rankPattern, alphaPattern).validate() }

  private func numbers(_ map: AdaptedMap) -> (rank: Int, scale: Float) {
    RankAndAlpha(rank, alpha, rankPattern, alphaPattern).numbers(map)
  }

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    let rank = numbers(map).rank
    return ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"].map { name in
      AdapterTensor(name, name.hasSuffix("a") ? [map.outputs, rank] : [rank, map.inputs])
    }
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    tensors(of: map).enumerated().map { index, tensor in
      index == 3 ? Tensor(shape: tensor.shape) : .kaimingUniform(tensor.shape, random(index))
    }
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    LoHaMap(parameters: parameters, scale: numbers(map).scale)
  }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let (first, second) = (plainProduct(values[0], values[1]), plainProduct(values[2], values[3]))
    let sum = zip(first, second).reduce(0.0) { $0 + $1.0 * $1.1 * $1.0 * $1.1 }
    return AdapterUpdate(
      module: map.module, size: sum.squareRoot() * abs(Double(numbers(map).scale)),
      isDead: first.allSatisfy { $0 == 0 } && second.allSatisfy { $0 == 0 })
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    (shapes["hada_w1_b"]?.last ?? 0, shapes["hada_w1_a"]?.first ?? 0)
  }

  package static let movesLate = [".hada_w1_a", ".hada_w1_b", ".hada_w2_a"]
  package var facts: [(key: String, value: JSON)] { RankAndAlpha(rank, alpha, rankPattern, alphaPattern).facts }
}

private struct LoHaMap: MapAdapter {
  let parameters: [Parameter]
  let scale: Float

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let parts = parameters.map(tape.variable)
    let update = DenseUpdate(
      value: { compute in
        let (first, second) = products(compute, parts.map(\.value))
        return first.times(second, scale, compute)
      },
      gradients: { compute, dy in
        let values = parts.map(\.value)
        let (first, second) = products(compute, values)
        let (dFirst, dSecond) = (second.times(dy, scale, compute), first.times(dy, scale, compute))
        return factorGradients(compute, dFirst, values[0], values[1])
          + factorGradients(compute, dSecond, values[2], values[3])
      })
    return update.added(to: tape.project(x, [base])[0], tape, x, parts)
  }

  private func products(_ compute: Compute, _ values: [Tensor]) -> (Tensor, Tensor) {
    (compute.product(values[0], values[1]), compute.product(values[2], values[3]))
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let compute = Compute(pool: pool, kernels: .best)
    let (first, second) = products(compute, parameters.map(\.value))
    let result = weight.copy()
    compute.pool.tiles(weight.rows) { row in
      for index in row * weight.columns..<(row + 1) * weight.columns {
        result.pointer[index] += scale * first.pointer[index] * second.pointer[index]
      }
    }
    return result
  }
}
