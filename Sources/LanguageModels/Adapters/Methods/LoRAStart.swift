import Glibc
import Tensors

/// The first values of A [R, in] and B [out, R] of LoRA.
struct LoRAStart {
  let rank: Int
  let scale: Float
  let map: AdaptedMap

  /// - Parameter random: Of A, and of B.
  /// - Throws: What `weight` throws, ``AdapterError/nothingFound(_:)`` for a start that wants more than the weight.
  func pair(
    _ start: LoRA.Start, _ random: (Int) -> CounterRandom, _ weight: () throws -> Tensor
  ) throws -> (a: Tensor, b: Tensor) {
    switch start {
    case .standard: return (.kaimingUniform([rank, map.inputs], random(0)), Tensor(shape: [map.outputs, rank]))
    case .gaussian:
      return (
        .normal([rank, map.inputs], deviation: 1 / Float(rank), random(0)), Tensor(shape: [map.outputs, rank])
      )
    case .orthogonal: return orthogonal(random)
    case .pissa: return principal(try weight(), random(0))
    case .olora: return leading(try weight())
    case .eva, .corda, .loraGA, .loftq: throw AdapterError.nothingFound(start.rawValue)
    }
  }

  /// What follows from findings.
  func pair(from findings: MapFindings, _ random: CounterRandom) -> (a: Tensor, b: Tensor) {
    switch findings {
    case .inputs(let triples):
      return (rows(triples.right, [Double](repeating: 1, count: rank)), Tensor(shape: [map.outputs, rank]))
    case .weighted(let triples):
      let roots = triples.values.map { ($0 / Double(scale)).squareRoot() }
      return (rows(triples.right, roots), columns(triples.left, from: 0, roots))
    case .gradient(let triples, let gamma):
      let size = pow(Double(map.outputs), 0.25) / gamma.squareRoot()
      let sizes = [Double](repeating: size, count: rank)
      return (rows(triples.right, sizes), columns(triples.left, from: rank, sizes))
    case .lost(let lost?): return principal(lost, random)
    case .lost(nil): return (.kaimingUniform([rank, map.inputs], random), Tensor(shape: [map.outputs, rank]))
    }
  }

  /// A [R, in] of the first vectors, each times its factor; zeros where there are no more.
  private func rows(_ vectors: [Double], _ factors: [Double]) -> Tensor {
    let tensor = Tensor(shape: [rank, map.inputs])
    for index in 0..<min(tensor.count, vectors.count) {
      tensor.pointer[index] = Float(factors[index / map.inputs] * vectors[index])
    }
    return tensor
  }

  /// B [out, R] of the vectors from some number on, each times its factor.
  private func columns(_ vectors: [Double], from first: Int, _ factors: [Double]) -> Tensor {
    let tensor = Tensor(shape: [map.outputs, rank])
    for r in 0..<rank where (first + r + 1) * map.outputs <= vectors.count {
      for row in 0..<map.outputs {
        tensor.pointer[row * rank + r] = Float(factors[r] * vectors[(first + r) * map.outputs + row])
      }
    }
    return tensor
  }

  /// A from the even rows of an orthogonal [R, R], B from the odd ones, each by normal numbers of a tenth.
  private func orthogonal(_ random: (Int) -> CounterRandom) -> (a: Tensor, b: Tensor) {
    let half = rank / 2
    var (randomA, randomB) = (random(0), random(1))
    var square = (0..<rank).map { _ in (0..<rank).map { _ in Double(randomA.normal()) } }
    orthonormalize(&square)
    let (a, b) = (Tensor(shape: [rank, map.inputs]), Tensor(shape: [map.outputs, rank]))
    onElements {
      for input in 0..<map.inputs {
        for k in 0..<half {
          let factor = randomA.normal() / 10
          for r in 0..<rank { a.pointer[r * map.inputs + input] += factor * Float(square[2 * k][r]) }
        }
      }
      for output in 0..<map.outputs {
        for k in 0..<half {
          let factor = randomB.normal() / 10
          for r in 0..<rank { b.pointer[output * rank + r] += factor * Float(square[2 * k + 1][r]) }
        }
      }
    }
    return (a, b)
  }

  /// √(S/scale) of the largest singular values with the vectors on either side.
  private func principal(_ weight: Tensor, _ random: CounterRandom) -> (a: Tensor, b: Tensor) {
    let parts = SingularValues(of: weight, count: rank, random)
    let (a, b) = (Tensor(uninitialized: [rank, map.inputs]), Tensor(uninitialized: [map.outputs, rank]))
    onElements {
      for r in 0..<rank {
        let root = (parts.values[r] / Double(scale)).squareRoot()
        for column in 0..<map.inputs { a.pointer[r * map.inputs + column] = Float(root * parts.right[r][column]) }
        for row in 0..<map.outputs { b.pointer[row * rank + r] = Float(root * parts.left[r][row]) }
      }
    }
    return (a, b)
  }

  /// Q of the first R columns of W = QR, and the first R rows of its R.
  private func leading(_ weight: Tensor) -> (a: Tensor, b: Tensor) {
    let (a, b) = (Tensor(uninitialized: [rank, map.inputs]), Tensor(uninitialized: [map.outputs, rank]))
    onElements {
      var columns = (0..<rank).map { column in
        (0..<map.outputs).map { Double(weight.pointer[$0 * map.inputs + column]) }
      }
      orthonormalize(&columns)
      for r in 0..<rank {
        var row = [Double](repeating: 0, count: map.inputs)
        for output in 0..<map.outputs {
          b.pointer[output * rank + r] = Float(columns[r][output])
          for input in 0..<map.inputs {
            row[input] += columns[r][output] * Double(weight.pointer[output * map.inputs + input])
          }
        }
        for input in 0..<map.inputs { a.pointer[r * map.inputs + input] = Float(row[input]) }
      }
    }
    return (a, b)
  }
}

extension Tensor {
  /// Uniform in ±1/√in for [out, in]: Kaiming's distribution with a = √5, as PyTorch starts linear maps.
  static func kaimingUniform(_ shape: [Int], _ random: CounterRandom) -> Tensor {
    uniform(shape, bound: Float(1 / Double(shape[1]).squareRoot()), random)
  }

  /// Uniform in ±bound.
  static func uniform(_ shape: [Int], bound: Float, _ random: CounterRandom) -> Tensor {
    let tensor = Tensor(uninitialized: shape)
    var random = random
    onElements {
      for index in 0..<tensor.count { tensor.pointer[index] = (2 * random.uniform() - 1) * bound }
    }
    return tensor
  }

  static func normal(_ shape: [Int], deviation: Float, _ random: CounterRandom) -> Tensor {
    let tensor = Tensor(uninitialized: shape)
    var random = random
    onElements { for index in 0..<tensor.count { tensor.pointer[index] = random.normal() * deviation } }
    return tensor
  }

  /// One number everywhere.
  static func constant(_ shape: [Int], _ value: Float) -> Tensor {
    let tensor = Tensor(uninitialized: shape)
    onElements { tensor.pointer.update(repeating: value, count: tensor.count) }
    return tensor
  }
}
