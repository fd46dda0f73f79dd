import Tensors

/// The largest singular values of a matrix with their vectors, by subspace iteration (arXiv:0909.4061) until they
/// stand still.
struct SingularValues {
  private(set) var values: [Double] = []
  /// Each with as many elements as the matrix has rows.
  private(set) var left: [[Double]] = []
  /// Each with as many elements as the matrix has columns.
  private(set) var right: [[Double]] = []

  /// Cost: m · n · min(m, n) multiply-adds, then some tens of times min(m, n)² · (2 · count + 10).
  ///
  /// - Parameter matrix: [m, n], with `count` at most the smaller of both.
  init(of matrix: Tensor, count: Int, _ random: CounterRandom) {
    let isWide = matrix.columns > matrix.rows
    let tall = isWide ? matrix.transposed() : matrix
    let size = tall.columns
    let gram = tall.gram()
    let width = min(2 * count + 10, size)
    var random = random
    var basis = (0..<width).map { _ in (0..<size).map { _ in Double(random.normal()) } }
    orthonormalize(&basis)
    var squares: [Double] = []
    for _ in 0..<500 {
      let images = basis.map { times(gram, $0) }
      // The eigenvectors of VᵀGV turn V towards those of G.
      let small = basis.map { vector in images.map { zip(vector, $0).reduce(0) { $0 + $1.0 * $1.1 } } }
      let (found, turns) = eigen(small)
      let isStill =
        !squares.isEmpty && zip(squares, found).prefix(count).allSatisfy { abs($0 - $1) <= 1e-11 * found[0] }
      squares = found
      if isStill || width == size {
        basis = combined(basis, turns)
        break
      }
      basis = combined(images, turns)
      orthonormalize(&basis)
    }
    values = squares.prefix(count).map { max(0, $0).squareRoot() }
    let inner = Array(basis.prefix(count))
    let outer = zip(inner, values).map { vector, value in tall.times(vector).map { $0 / max(value, 1e-30) } }
    (left, right) = isWide ? (inner, outer) : (outer, inner)
  }
}

/// G v for a symmetric G.
private func times(_ gram: [[Double]], _ vector: [Double]) -> [Double] {
  var sum = [Double](repeating: 0, count: vector.count)
  for (row, factor) in zip(gram, vector) { add(factor, row, to: &sum) }
  return sum
}

/// sum += factor · vector.
private func add(_ factor: Double, _ vector: [Double], to sum: inout [Double]) {
  sum.withUnsafeMutableBufferPointer { sum in
    vector.withUnsafeBufferPointer { vector in
      for index in sum.indices { sum[index] += factor * vector[index] }
    }
  }
}

/// Σⱼ factors[j][i] · vectors[j] for each i.
private func combined(_ vectors: [[Double]], _ factors: [[Double]]) -> [[Double]] {
  factors.map { factor in
    var sum = [Double](repeating: 0, count: vectors[0].count)
    for (vector, f) in zip(vectors, factor) { add(f, vector, to: &sum) }
    return sum
  }
}

/// Makes vectors orthonormal, one after the other, each twice (Gram and Schmidt); a dependent one becomes zero.
func orthonormalize(_ vectors: inout [[Double]]) {
  for index in vectors.indices {
    let before = length(vectors[index])
    for _ in 0..<2 {
      for other in 0..<index {
        let share = zip(vectors[index], vectors[other]).reduce(0) { $0 + $1.0 * $1.1 }
        add(-share, vectors[other], to: &vectors[index])
      }
    }
    let after = length(vectors[index])
    let factor = after > 1e-12 * before ? 1 / after : 0
    for place in vectors[index].indices { vectors[index][place] *= factor }
  }
}

private func length(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }

/// Eigenvalues of a symmetric matrix, the largest first, with their vectors (Jacobi 1846).
private func eigen(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
  let count = matrix.count
  var a = matrix
  var vectors = (0..<count).map { row in (0..<count).map { $0 == row ? 1.0 : 0 } }
  for _ in 0..<60 {
    var off = 0.0
    for p in 0..<count { for q in p + 1..<max(count, p + 1) { off += a[p][q] * a[p][q] } }
    let diagonal = (0..<count).reduce(0.0) { $0 + a[$1][$1] * a[$1][$1] }
    if off <= 1e-26 * diagonal { break }
    for p in 0..<count {
      for q in p + 1..<max(count, p + 1) where a[p][q] != 0 {
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let t = (theta >= 0 ? 1.0 : -1.0) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<count {
          let (x, y) = (a[k][p], a[k][q])
          (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y)
        }
        for k in 0..<count {
          let (x, y) = (a[p][k], a[q][k])
          (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y)
          let (v, w) = (vectors[p][k], vectors[q][k])
          (vectors[p][k], vectors[q][k]) = (c * v - s * w, s * v + c * w)
        }
      }
    }
  }
  let order = (0..<count).sorted { a[$0][$0] > a[$1][$1] }
  return (order.map { a[$0][$0] }, order.map { vectors[$0] })
}

extension Tensor {
  /// M v.
  fileprivate func times(_ vector: [Double]) -> [Double] {
    (0..<rows).map { row in
      var sum = 0.0
      for column in 0..<columns { sum += Double(pointer[row * columns + column]) * vector[column] }
      return sum
    }
  }

  /// MᵀM.
  fileprivate func gram() -> [[Double]] {
    var gram = (0..<columns).map { _ in [Double](repeating: 0, count: columns) }
    for row in 0..<rows {
      let values = (0..<columns).map { Double(pointer[row * columns + $0]) }
      for column in 0..<columns { add(values[column], values, to: &gram[column]) }
    }
    return gram
  }
}
