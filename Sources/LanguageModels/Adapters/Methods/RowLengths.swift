import Tensors

/// The trained lengths of the rows of a map's weight (DoRA), which are divided by what they are without them.
///
/// ‖W + Σ sᵢ BᵢAᵢ‖ of each row is ‖W‖² + 2 Σ sᵢ Bᵢ(AᵢWᵀ) + …, so that W itself is read as a product reads it, in every
/// class of arithmetic. Kept for as long as A and B are the same. No gradient goes through it, as the paper proposes.
final class RowLengths {
  /// [out].
  let parameter: Parameter
  private var seen: [Tensor] = []
  private var lengths: Tensor?

  init(_ parameter: Parameter) { self.parameter = parameter }

  /// What every output is multiplied by: [out].
  func factors(_ tape: Tape, _ weight: MatrixWeight, _ adapters: [LowRankAdapter]) -> Variable {
    let now = currentLengths(tape.compute, weight, adapters)
    let factors = Tensor(uninitialized: parameter.value.shape)
    onElements {
      for row in 0..<factors.count { factors.pointer[row] = parameter.value.pointer[row] / now.pointer[row] }
    }
    return tape.derived(from: [tape.variable(of: parameter)], factors) { dy in
      let gradient = Tensor(uninitialized: dy.shape)
      onElements { for row in 0..<dy.count { gradient.pointer[row] = dy.pointer[row] / now.pointer[row] } }
      return [gradient]
    }
  }

  private func currentLengths(_ compute: Compute, _ weight: MatrixWeight, _ adapters: [LowRankAdapter]) -> Tensor {
    let values = adapters.flatMap { [$0.a.value, $0.b.value] }
    if let lengths, zip(seen, values).allSatisfy({ $0.hasSameElements(as: $1) }) { return lengths }
    let tape = Tape(compute: compute, records: false)
    let squares = weight.squaredRowLengths()
    // [R, out] each: A Wᵀ.
    let products = adapters.map { adapter in
      tape.project(Variable(adapter.a.value), [Projection(bare: weight)])[0].value
    }
    let made = Tensor(uninitialized: [weight.outputs])
    let grams = adapters.map { left in adapters.map { right in rowProducts(left.a.value, right.a.value) } }
    compute.pool.tiles(weight.outputs) { row in
      var sum = squares[row]
      for (index, adapter) in adapters.enumerated() {
        let (rank, scale) = (adapter.rank, Double(adapter.scale))
        let b = adapter.b.value.pointer + row * rank
        for r in 0..<rank {
          sum += 2 * scale * Double(b[r]) * Double(products[index].pointer[r * weight.outputs + row])
        }
        for (second, other) in adapters.enumerated() {
          let c = other.b.value.pointer + row * other.rank
          for r in 0..<rank {
            for s in 0..<other.rank {
              sum +=
                scale * Double(other.scale) * Double(b[r]) * Double(c[s]) * grams[index][second][r * other.rank + s]
            }
          }
        }
      }
      made.pointer[row] = Float(max(0, sum).squareRoot())
    }
    seen = values.map { $0.copy() }
    lengths = made
    return made
  }
}

extension Tensor {
  /// ‖row‖ of each row.
  func rowLengths() -> Tensor {
    let lengths = Tensor(uninitialized: [rows])
    onElements {
      for row in 0..<rows {
        var sum = 0.0
        for column in 0..<columns {
          let value = Double(pointer[row * columns + column])
          sum += value * value
        }
        lengths.pointer[row] = Float(sum.squareRoot())
      }
    }
    return lengths
  }

  /// Whether the elements are the same; where memory is only counted they are.
  func hasSameElements(as other: Tensor) -> Bool {
    var same = shape == other.shape
    onElements { same = same && buffer.elementsEqual(other.buffer) }
    return same
  }
}

/// A·Bᵀ [R, S] for A [R, n] and B [S, n].
func rowProducts(_ a: Tensor, _ b: Tensor) -> [Double] {
  var products = [Double](repeating: 0, count: a.rows * b.rows)
  onElements {
    let width = a.columns
    for row in 0..<a.rows {
      for other in 0..<b.rows {
        var sum = 0.0
        for column in 0..<width {
          sum += Double(a.pointer[row * width + column]) * Double(b.pointer[other * width + column])
        }
        products[row * b.rows + other] = sum
      }
    }
  }
  return products
}
