import Tensors

/// A matrix [out, in] beside a map that is made of small ones each time, and whose gradient goes to those.
struct DenseUpdate {
  /// Makes it.
  let value: (Compute) -> Tensor
  /// From its gradient those of the small ones.
  let gradients: (Compute, _ dy: Tensor) -> [Tensor]

  /// y + x Δᵀ.
  ///
  /// Memory until the backward pass: the matrix, as large as the map's weight in 32-bit floats.
  func added(to y: Variable, _ tape: Tape, _ x: Variable, _ parts: [Variable]) -> Variable {
    let compute = tape.compute
    let delta = tape.derived(from: parts, value(compute)) { gradients(compute, $0) }
    return tape.add(y, tape.product(x, delta))
  }
}

/// From the gradient of A B those of A and of B.
func factorGradients(_ compute: Compute, _ dy: Tensor, _ a: Tensor, _ b: Tensor) -> [Tensor] {
  let (da, db) = (Tensor(uninitialized: a.shape), Tensor(uninitialized: b.shape))
  compute.product(dy, b, transposesB: true, into: da, k: b.columns)
  compute.product(a, transposesA: true, dy, into: db, k: a.rows)
  return [da, db]
}

extension Compute {
  /// a b.
  func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let c = Tensor(uninitialized: [a.rows, b.columns])
    product(a, b, into: c, k: a.columns)
    return c
  }
}

extension Tensor {
  /// scale · a ∘ b.
  func times(_ other: Tensor, _ scale: Float, _ compute: Compute) -> Tensor {
    let result = Tensor(uninitialized: shape)
    compute.pool.tiles(rows) { row in
      for index in row * columns..<(row + 1) * columns {
        result.pointer[index] = scale * pointer[index] * other.pointer[index]
      }
    }
    return result
  }
}

/// a b, for a look at the numbers.
func plainProduct(_ a: Tensor, _ b: Tensor) -> [Double] {
  var product = [Double](repeating: 0, count: a.rows * b.columns)
  onElements {
    for row in 0..<a.rows {
      for k in 0..<a.columns {
        let factor = Double(a.pointer[row * a.columns + k])
        for column in 0..<b.columns {
          product[row * b.columns + column] += factor * Double(b.pointer[k * b.columns + column])
        }
      }
    }
  }
  return product
}
