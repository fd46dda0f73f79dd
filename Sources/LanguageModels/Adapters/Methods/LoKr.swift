import PreciseJSON
import Tensors

/// W + scale · (C ⊗ D), a Kronecker product of two matrices, either of them perhaps of low rank (arXiv:2309.14859).
package struct LoKr: AdapterMethod {
  /// How the two factors begin.
  package enum Start: Sendable, Hashable {
    /// The first is zero.
    case standard
    /// The second is zero, as LyCORIS has it.
    case lycoris
  }

  /// R where a factor is of low rank.
  package var rank: Int
  package var alpha: Float
  /// The extents of the first factor, where they divide the map's; the nearest to a square root for −1.
  package var factor: Int
  /// Whether the first factor may be of low rank too.
  package var decomposesBoth: Bool
  package var start: Start
  /// Other ranks and alphas for some maps.
  package var rankPattern: [ModulePattern<Int>]
  package var alphaPattern: [ModulePattern<Float>]

  package init(
    rank: Int, alpha: Float? = nil, factor: Int = -1, decomposesBoth: Bool = false, start: Start = .standard,
    rankPattern: [ModulePattern<Int>] = [], alphaPattern: [ModulePattern<Float>] = []
  ) {
    self.rank = rank
    self.alpha = alpha ?? Float(2 * rank)
    self.factor = factor
    self.decomposesBoth = decomposesBoth
    self.start = start
    self.rankPattern = rankPattern
    self.alphaPattern = alphaPattern
  }

  package static let name = "lokr"
  package static let summary = "a Kronecker product of two small matrices beside a frozen one"
  package static let options: Set<AdapterOptions.Name> = [.rank, .alpha, .factor, .rankPattern, .alphaPattern]

  package init(_ options: AdapterOptions) throws(AdapterError) {
    self.init(
      rank: options.rank ?? 8, alpha: options.alpha, factor: options.factor ?? -1,
      rankPattern: options.rankPattern ?? [], alphaPattern: options.alphaPattern ?? [])
  }

  package func validate() throws(AdapterError) {
    try RankAndAlpha(rank, alpha, rankPattern, alphaPattern).validate()
    guard factor == -1 || factor >= 1 else { throw .option("factor", wanted: "at least 1", found: "\(factor)") }
  }

  private func numbers(_ map: AdaptedMap) -> (rank: Int, scale: Float) {
    RankAndAlpha(rank, alpha, rankPattern, alphaPattern).numbers(map)
  }

  /// Two numbers whose product is `extent`, the first one at most the second unless it is given.
  private func factors(_ extent: Int) -> (Int, Int) {
    if factor > 0, extent % factor == 0 { return (factor, extent / factor) }
    let most = factor == -1 ? extent : factor
    var (small, large) = (1, extent)
    let sum = small + large
    while small < large {
      var next = small + 1
      while extent % next != 0 { next += 1 }
      if next + extent / next > sum || next > most { break }
      (small, large) = (next, extent / next)
    }
    return (min(small, large), max(small, large))
  }

  private static let whole = ["lokr_w1", "lokr_w2"]
  package var suffixes: [String] { Self.whole + Self.whole.flatMap { [$0 + "_a", $0 + "_b"] } }

  package func tensors(of map: AdaptedMap) -> [AdapterTensor] {
    guard map.inputs > 0, map.outputs > 0 else { return suffixes.map { AdapterTensor($0, [0, 0]) } }
    let rank = numbers(map).rank
    let (outputs, inputs) = (factors(map.outputs), factors(map.inputs))
    func part(_ name: String, _ rows: Int, _ columns: Int, isThin: Bool) -> [AdapterTensor] {
      isThin
        ? [AdapterTensor(name + "_a", [rows, rank]), AdapterTensor(name + "_b", [rank, columns])]
        : [AdapterTensor(name, [rows, columns])]
    }
    return part(
      Self.whole[0], outputs.0, inputs.0, isThin: decomposesBoth && 2 * rank < max(outputs.0, inputs.0))
      + part(Self.whole[1], outputs.1, inputs.1, isThin: 2 * rank < max(outputs.1, inputs.1))
  }

  package func start(
    _ map: AdaptedMap, random: (Int) -> CounterRandom, weight: () throws -> Tensor
  ) throws -> [Tensor] {
    tensors(of: map).enumerated().map { index, tensor in
      let zero =
        switch start {
        case .standard: ["lokr_w1", "lokr_w1_a"]
        case .lycoris: ["lokr_w2", "lokr_w2_b"]
        }
      return zero.contains(tensor.name) ? Tensor(shape: tensor.shape) : .kaimingUniform(tensor.shape, random(index))
    }
  }

  package func adapter(_ map: AdaptedMap, _ parameters: [Parameter], shared: [Parameter]) throws -> any MapAdapter {
    LoKrMap(parameters: parameters, first: firstCount(map), scale: numbers(map).scale)
  }

  /// How many tensors make up the first factor: 1 or 2.
  private func firstCount(_ map: AdaptedMap) -> Int { tensors(of: map).count { $0.name.hasPrefix(Self.whole[0]) } }

  package func update(_ map: AdaptedMap, _ values: [Tensor]) -> AdapterUpdate {
    let count = firstCount(map)
    func length(_ parts: ArraySlice<Tensor>) -> Double {
      let numbers =
        parts.count == 1
        ? parts.first?.values.map(Double.init)
        : parts.first.flatMap { a in
          parts.last.map { plainProduct(a, $0) }
        }
      return (numbers ?? []).reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    let (first, second) = (length(values[..<count]), length(values[count...]))
    return AdapterUpdate(
      module: map.module, size: first * second * abs(Double(numbers(map).scale)), isDead: first == 0 && second == 0)
  }

  package func extents(_ shapes: [String: [Int]]) -> (inputs: Int, outputs: Int) {
    func extent(_ name: String) -> (rows: Int, columns: Int) {
      (
        shapes[name]?.first ?? shapes[name + "_a"]?.first ?? 0,
        shapes[name]?.last ?? shapes[name + "_b"]?.last ?? 0
      )
    }
    let (first, second) = (extent(Self.whole[0]), extent(Self.whole[1]))
    return (first.columns * second.columns, first.rows * second.rows)
  }

  package static let movesLate = [".lokr_w2", ".lokr_w2_a", ".lokr_w2_b", ".lokr_w1_b"]
  package var facts: [(key: String, value: JSON)] {
    RankAndAlpha(rank, alpha, rankPattern, alphaPattern).facts + [
      ("factor", JSON(factor)), ("decomposes_both", JSON(decomposesBoth)),
    ]
  }
}

private struct LoKrMap: MapAdapter {
  let parameters: [Parameter]
  /// How many of them make up the first factor.
  let first: Int
  let scale: Float

  func adapt(_ tape: Tape, _ x: Variable, _ base: Projection) -> Variable {
    let parts = parameters.map(tape.variable)
    let update = DenseUpdate(
      value: { compute in
        let (left, right) = factors(compute, parts.map(\.value))
        return kronecker(left, right, compute)
      },
      gradients: { compute, dy in
        let values = parts.map(\.value)
        let (left, right) = factors(compute, values)
        let (dLeft, dRight) = kroneckerGradients(dy, left, right, compute)
        func split(_ gradient: Tensor, _ parts: ArraySlice<Tensor>) -> [Tensor] {
          guard parts.count == 2, let a = parts.first, let b = parts.last else { return [gradient] }
          return factorGradients(compute, gradient, a, b)
        }
        return split(dLeft, values[..<first]) + split(dRight, values[first...])
      })
    return update.added(to: tape.project(x, [base])[0], tape, x, parts)
  }

  private func factors(_ compute: Compute, _ values: [Tensor]) -> (Tensor, Tensor) {
    func whole(_ parts: ArraySlice<Tensor>) -> Tensor {
      let parts = Array(parts)
      return parts.count == 1 ? parts[0] : compute.product(parts[0], parts[1])
    }
    return (whole(values[..<first]), whole(values[first...]))
  }

  /// scale · left ⊗ right.
  private func kronecker(_ left: Tensor, _ right: Tensor, _ compute: Compute) -> Tensor {
    let (inner, columns) = (right.columns, left.columns * right.columns)
    let result = Tensor(uninitialized: [left.rows * right.rows, columns])
    compute.pool.tiles(result.rows) { row in
      let (i, k) = (row / right.rows, row % right.rows)
      for j in 0..<left.columns {
        let factor = scale * left.pointer[i * left.columns + j]
        let target = result.pointer + row * columns + j * inner
        for l in 0..<inner { target[l] = factor * right.pointer[k * inner + l] }
      }
    }
    return result
  }

  private func kroneckerGradients(
    _ dy: Tensor, _ left: Tensor, _ right: Tensor, _ compute: Compute
  ) -> (left: Tensor, right: Tensor) {
    let (dLeft, dRight) = (Tensor(uninitialized: left.shape), Tensor(shape: right.shape))
    let (inner, columns) = (right.columns, dy.columns)
    compute.pool.tiles(left.count) { index in
      let (i, j) = (index / left.columns, index % left.columns)
      var sum: Float = 0
      for k in 0..<right.rows {
        let source = dy.pointer + (i * right.rows + k) * columns + j * inner
        for l in 0..<inner { sum += source[l] * right.pointer[k * inner + l] }
      }
      dLeft.pointer[index] = scale * sum
    }
    compute.pool.tiles(right.rows) { k in
      for i in 0..<left.rows {
        for j in 0..<left.columns {
          let source = dy.pointer + (i * right.rows + k) * columns + j * inner
          let factor = scale * left.pointer[i * left.columns + j]
          for l in 0..<inner { dRight.pointer[k * inner + l] += factor * source[l] }
        }
      }
    }
    return (dLeft, dRight)
  }

  func merged(into weight: Tensor, pool: ThreadPool) -> Tensor {
    let compute = Compute(pool: pool, kernels: .best)
    let (left, right) = factors(compute, parameters.map(\.value))
    let update = kronecker(left, right, compute)
    let result = Tensor(uninitialized: weight.shape)
    compute.pool.tiles(weight.rows) { row in
      for index in row * weight.columns..<(row + 1) * weight.columns {
        result.pointer[index] = weight.pointer[index] + update.pointer[index]
      }
    }
    return result
  }
}
