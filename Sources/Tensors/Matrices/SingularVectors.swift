import COpenBLAS
import Glibc

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

/// What OpenBLAS has of LAPACK.
enum LinearAlgebra {
  private typealias Eigen =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafeMutablePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Int32>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>
    ) -> Void

  private static let eigen: Eigen = MatrixLibrary.shared.function("dsyevd_", Eigen.self)

  /// Puts the eigenvectors of a symmetric matrix in its place, one after the other by rising eigenvalues.
  ///
  /// - Parameter matrix: Row-major; its lower half is read.
  static func eigenvectors(_ matrix: inout [Double], side: Int) {
    guard side > 1 else {
      if side == 1 { matrix[0] = 1 }
      return
    }
    let turn = MatrixLibrary.shared.turn
    if let turn { pthread_mutex_lock(turn) }
    defer { if let turn { pthread_mutex_unlock(turn) } }
    var values = [Double](repeating: 0, count: side)
    var work = [0.0]
    var whole: [Int32] = [0]
    var information: Int32 = 0
    // Fortran counts by columns: our lower half is its upper one. The first call asks how much room is wanted.
    for room in [(Int32(-1), Int32(-1)), nil] {
      let (real, integer) = room ?? (Int32(work[0]), whole[0])
      if room == nil {
        work = [Double](repeating: 0, count: Int(real))
        whole = [Int32](repeating: 0, count: Int(integer))
      }
      eigen("V", "U", [Int32(side)], &matrix, [Int32(side)], &values, &work, [real], &whole, [integer], &information)
    }
    precondition(information == 0, "The matrix library finds no eigenvectors, it says \(information)")
  }
}
