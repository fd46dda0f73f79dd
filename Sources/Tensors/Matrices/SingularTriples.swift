/// Some singular values of a matrix M [m, n] with the vectors on either side: M ≈ Σ values[i] · left[i] right[i]ᵀ, the
/// largest value first.
package struct SingularTriples: Sendable, Hashable {
  /// Which of the min(m, n) there are.
  package enum End: Sendable, Hashable {
    case largest
    case smallest
  }

  /// [count].
  package var values: [Double]
  /// [count, m]; of length 1.
  package var left: [Double]
  /// [count, n]; of length 1, zeros beside a value that is nothing.
  package var right: [Double]

  package var count: Int { values.count }

  package init(values: [Double], left: [Double], right: [Double]) {
    self.values = values
    self.left = left
    self.right = right
  }

  /// Those of a matrix at one end of its values, at most min(m, n) of them.
  ///
  /// Of each pair of vectors and its negative it is the one in which the largest component on the shorter side, of a square
  /// matrix on the right, is positive.
  /// Cost: an eigenproblem of min(m, n) rows and the products around it, in the calling thread.
  package init(of matrix: [Double], rows: Int, columns: Int, count: Int, _ end: End = .largest) {
    let isWide = rows < columns
    let (side, other) = isWide ? (rows, columns) : (columns, rows)
    var vectors = LinearAlgebra.product(
      matrix, transposesA: !isWide, matrix, transposesB: isWide, m: side, n: side, k: other)
    LinearAlgebra.eigenvectors(&vectors, side: side)
    let count = min(count, side)
    // Eigenvalues rise.
    let picked = end == .largest ? (side - count..<side).reversed() : (0..<count).reversed()
    var short: [Double] = []
    for row in picked {
      let vector = vectors[row * side..<(row + 1) * side]
      let most = vector.max { abs($0) < abs($1) } ?? 0
      short += vector.map { most < 0 ? -$0 : $0 }
    }
    var long = LinearAlgebra.product(short, matrix, transposesB: !isWide, m: count, n: other, k: side)
    var values: [Double] = []
    for row in 0..<count {
      let range = row * other..<(row + 1) * other
      let length = long[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
      for index in range { long[index] = length > 1e-200 ? long[index] / length : 0 }
      values.append(length)
    }
    self.values = values
    (left, right) = isWide ? (short, long) : (long, short)
  }

  /// The eigenvalues of a symmetric matrix, the largest first, with their vectors as `right`; nothing on the left.
  ///
  /// - Parameter symmetric: [side, side]; its lower half is read.
  package init(ofSymmetric symmetric: [Double], side: Int, count: Int) {
    var vectors = symmetric
    let found = LinearAlgebra.eigenvectors(&vectors, side: side)
    let picked = (side - min(count, side)..<side).reversed()
    values = picked.map { max(0, found[$0]) }
    left = []
    right = picked.flatMap { row in
      let vector = vectors[row * side..<(row + 1) * side]
      let most = vector.max { abs($0) < abs($1) } ?? 0
      return vector.map { most < 0 ? -$0 : $0 }
    }
  }

  /// The last ones.
  package func suffix(_ count: Int) -> SingularTriples {
    guard count < values.count else { return self }
    func part(_ vectors: [Double]) -> [Double] { Array(vectors.suffix(vectors.count / values.count * count)) }
    return SingularTriples(values: Array(values.suffix(count)), left: part(left), right: part(right))
  }
}
