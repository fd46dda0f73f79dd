import COpenBLAS
import Glibc

/// What OpenBLAS has of LAPACK, and its products of doubles; all matrices are row-major.
package enum LinearAlgebra {
  private typealias Eigen =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<Int32>, UnsafeMutablePointer<Double>,
      UnsafePointer<Int32>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafePointer<Int32>,
      UnsafeMutablePointer<Int32>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>
    ) -> Void
  private typealias Product =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, Int32, Int32, Int32, Double, UnsafePointer<Double>, Int32,
      UnsafePointer<Double>, Int32, Double, UnsafeMutablePointer<Double>, Int32
    ) -> Void

  private static let eigen: Eigen = MatrixLibrary.shared.function("dsyevd_", Eigen.self)
  private static let product: Product = MatrixLibrary.shared.function("cblas_dgemm", Product.self)

  /// Puts the eigenvectors of a symmetric matrix in its place, one after the other by rising eigenvalues.
  ///
  /// - Parameter matrix: Its lower half is read.
  /// - Returns: The eigenvalues, in the same order.
  @discardableResult
  static func eigenvectors(_ matrix: inout [Double], side: Int) -> [Double] {
    guard side > 1 else {
      let values = Array(matrix.prefix(side))
      if side == 1 { matrix[0] = 1 }
      return values
    }
    return inTurn {
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
      return values
    }
  }

  /// a b, either of them transposed: [m, k] times [k, n].
  package static func product(
    _ a: [Double], transposesA first: Bool = false, _ b: [Double], transposesB second: Bool = false, m: Int, n: Int,
    k: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: m * n)
    guard !result.isEmpty, k > 0 else { return result }
    inTurn {
      product(
        CblasRowMajor, first ? CblasTrans : CblasNoTrans, second ? CblasTrans : CblasNoTrans, Int32(m), Int32(n),
        Int32(k), 1, a, Int32(first ? m : k), b, Int32(second ? k : n), 0, &result, Int32(n))
    }
    return result
  }

  private static func inTurn<Result>(_ body: () -> Result) -> Result {
    let turn = MatrixLibrary.shared.turn
    if let turn { pthread_mutex_lock(turn) }
    defer { if let turn { pthread_mutex_unlock(turn) } }
    return body()
  }
}
