import CTensorKernels

/// A weight in blocks along its rows, each row of whole blocks.
package final class BlockWeight: StoredWeight {
  package let format: BlockFormat
  package let rows: Int
  package let columns: Int
  private let bytes: StoredBytes
  /// Which stored row each row is; nil where they are in order.
  private let order: [Int32]?
  private let rowBytes: Int

  package var formatName: String { format.name }
  package var storage: [StoredBytes] { [bytes] }

  /// - Parameters:
  ///   - bytes: Row after row.
  ///   - order: Which of the stored rows each row is.
  /// - Throws: ``TensorError/countMismatch(operation:name:expected:found:)`` where the bytes are not those of so many rows.
  package init(_ format: BlockFormat, rows: Int, columns: Int, bytes: StoredBytes, order: [Int32]? = nil) throws {
    self.format = format
    self.rows = rows
    self.columns = columns
    self.bytes = bytes
    self.order = order
    rowBytes = (columns + format.length - 1) / format.length * format.size
    guard bytes.count == rows * rowBytes else {
      throw TensorError.countMismatch(
        operation: format.name, name: "bytes", expected: rows * rowBytes, found: bytes.count)
    }
    if let order, order.count != rows || order.contains(where: { $0 < 0 || $0 >= rows }) {
      throw TensorError.countMismatch(operation: format.name, name: "rows", expected: rows, found: order.count)
    }
  }

  /// Rounds a matrix [rows, columns].
  ///
  /// - Parameter format: One that rounds.
  package convenience init(rounding weight: Tensor, to format: BlockFormat, _ compute: Compute) throws {
    let (rows, columns) = (weight.rows, weight.columns)
    let rowBytes = (columns + format.length - 1) / format.length * format.size
    let bytes = StoredBytes(uninitialized: rows * rowBytes)
    guard let round = format.round else { preconditionFailure("Only files hold \(format.name)") }
    compute.pieces(of: rows, size: 16) { piece in
      for row in piece {
        round(
          compute.kernels.functions, bytes.pointer + row * rowBytes, weight.pointer + row * columns, columns)
      }
    }
    try self.init(format, rows: rows, columns: columns, bytes: bytes)
  }

  package func expand(
    row: Int, _ columns: Range<Int>, into numbers: UnsafeMutablePointer<Float>, _ kernels: UnsafePointer<tk_kernels>
  ) {
    precondition(columns.lowerBound % format.length == 0, "Columns start in the middle of a block")
    let row = order.map { Int($0[row]) } ?? row
    let start = bytes.pointer + row * rowBytes + columns.lowerBound / format.length * format.size
    let whole = columns.count / format.length
    format.expand(kernels, numbers, start, whole)
    let rest = columns.count - whole * format.length
    if rest == 0 { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: format.length) { block in
      guard let block = block.baseAddress else { return }
      format.expand(kernels, block, start + whole * format.size, 1)
      (numbers + whole * format.length).update(from: block, count: rest)
    }
  }
}
