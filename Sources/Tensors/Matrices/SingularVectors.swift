extension Compute {
  /// The leading singular vectors on the shorter side of a matrix, of a square one on the right, a row each in `vectors`.
  ///
  /// Of each vector and its negative it is the one whose largest component is positive. Cost: with n the shorter side, an
  /// eigenproblem of n rows in double, 8n² bytes and about 10n³ operations in the calling thread.
  package func leadingVectors(of matrix: Tensor, into vectors: Tensor) {
    onElements {
      let isTall = matrix.rows >= matrix.columns
      let (side, other) = isTall ? (matrix.columns, matrix.rows) : (matrix.rows, matrix.columns)
      var gram = [Double](repeating: 0, count: side * side)
      let values = matrix.buffer.map(Double.init)
      gram.withUnsafeMutableBufferPointer { gram in
        values.withUnsafeBufferPointer { values in
          guard let base = gram.baseAddress else { return }
          pool.tiles(side) { i in
            let own = base + i * side
            if isTall {
              for k in 0..<other {
                let factor = values[k * side + i]
                for j in 0...i { own[j] += factor * values[k * side + j] }
              }
            } else {
              for j in 0...i {
                for k in 0..<other { own[j] += values[i * other + k] * values[j * other + k] }
              }
            }
          }
        }
      }
      LinearAlgebra.eigenvectors(&gram, side: side)
      for row in 0..<vectors.rows {
        // Eigenvalues rise: the last vector is the first one wanted.
        let vector = gram[(side - 1 - row) * side..<(side - row) * side]
        let most = vector.max { abs($0) < abs($1) } ?? 0
        for (column, component) in vector.enumerated() {
          vectors.pointer[row * side + column] = Float(most < 0 ? -component : component)
        }
      }
    }
  }
}
