import CTensorKernels

/// A frozen matrix [rows, columns] in the form in which it is stored: fewer bits than its numbers have when they are used.
///
/// It never stands in 32-bit floats as a whole: products expand a tile of it at a time (``StoredMatrix``).
package protocol StoredWeight: AnyObject, Sendable {
  /// As files call it, such as `Q4_K`.
  var formatName: String { get }
  var rows: Int { get }
  var columns: Int { get }
  /// What it stands in, for those that ask how much that is and whether it is still there.
  var storage: [StoredBytes] { get }

  /// Writes the numbers of some columns of a row, in the calling thread.
  ///
  /// - Parameter columns: From a multiple of 256 on.
  func expand(
    row: Int, _ columns: Range<Int>, into numbers: UnsafeMutablePointer<Float>, _ kernels: UnsafePointer<tk_kernels>)
}

extension StoredWeight {
  /// Bytes that it takes.
  package var bytes: Int { storage.reduce(0) { $0 + $1.count } }

  /// All numbers [rows, columns].
  package func numbers(_ compute: Compute) -> Tensor {
    let tensor = Tensor(uninitialized: [rows, columns])
    compute.pieces(of: rows, size: 16) { piece in
      for row in piece {
        expand(row: row, 0..<columns, into: tensor.pointer + row * columns, compute.kernels.functions)
      }
    }
    return tensor
  }
}
