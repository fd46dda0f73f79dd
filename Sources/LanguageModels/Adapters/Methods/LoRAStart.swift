import Tensors

/// The first values of A [R, in] and B [out, R] of LoRA.
struct LoRAStart {
  let rank: Int
  let scale: Float
  let map: AdaptedMap

  /// - Parameter random: Of A, and of B.
  /// - Throws: What `weight` throws.
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
    }
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
