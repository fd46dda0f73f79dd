import Glibc
import Tensors

/// A running mean of squares that a matrix keeps as one number a row and one a column, and a vector as it is
/// (Adafactor, arXiv:1804.04235).
///
/// A tensor of three dimensions is a stack of matrices, each with rows and columns of its own.
struct FactoredMoment {
  private let matrices: Int
  private let rows: Int
  private let columns: Int
  /// One a row, or one an element of a vector.
  let rowMeans: Tensor
  /// One a column; nothing for a vector.
  let columnMeans: Tensor?

  init(_ shape: [Int]) {
    if shape.count >= 2 {
      columns = shape[shape.count - 1]
      rows = shape[shape.count - 2]
      matrices = shape.dropLast(2).reduce(1, *)
      rowMeans = Tensor(shape: [matrices * rows])
      columnMeans = Tensor(shape: [matrices * columns])
    } else {
      (matrices, rows, columns) = (1, 1, shape.reduce(1, *))
      rowMeans = Tensor(shape: shape)
      columnMeans = nil
    }
  }

  func tensors(_ kind: String, of name: String) -> [NamedTensor] {
    guard let columnMeans else { return [("\(kind).\(name)", rowMeans)] }
    return [("\(kind)_rows.\(name)", rowMeans), ("\(kind)_columns.\(name)", columnMeans)]
  }

  /// Takes in new squares: `kept` of the old mean and 1 − `kept` of `square(i)`.
  @inline(__always)
  func take(kept: Double, on compute: Compute, _ square: (Int) -> Float) {
    let (old, new) = (Float(kept), Float(1 - kept))
    guard let columnMeans else {
      compute.ranges(rowMeans.count) { range in
        for i in range { rowMeans.pointer[i] = old * rowMeans.pointer[i] + new * square(i) }
      }
      return
    }
    let columns = columns
    compute.ranges(matrices * rows, size: max(1, Compute.slotPiece / max(1, columns))) { range in
      for row in range {
        var sum = 0.0
        for i in row * columns..<(row + 1) * columns { sum += Double(square(i)) }
        rowMeans.pointer[row] = old * rowMeans.pointer[row] + new * Float(sum / Double(columns))
      }
    }
    let strip = 256
    let strips = (columns + strip - 1) / strip
    compute.pool.tiles(matrices * strips) { tile in
      let (matrix, first) = (tile / strips, tile % strips * strip)
      let last = min(columns, first + strip)
      var sums = [Double](repeating: 0, count: last - first)
      for row in matrix * rows..<(matrix + 1) * rows {
        for column in first..<last { sums[column - first] += Double(square(row * columns + column)) }
      }
      for column in first..<last {
        let place = columnMeans.pointer + matrix * columns + column
        place.pointee = old * place.pointee + new * Float(sums[column - first] / Double(rows))
      }
    }
  }

  /// Multiplies `x` with one over the root of the mean, into `y`, which may be `x`.
  func divide(_ x: Tensor, into y: Tensor, scale: Float = 1, on compute: Compute) {
    guard let columnMeans else {
      compute.ranges(rowMeans.count) { range in
        for i in range { y.pointer[i] = scale * x.pointer[i] / rowMeans.pointer[i].squareRoot() }
      }
      return
    }
    let (rows, columns) = (rows, columns)
    for matrix in 0..<matrices {
      let own = rowMeans.pointer + matrix * rows
      var mean = 0.0
      onElements { for row in 0..<rows { mean += Double(own[row]) } }
      let rowMean = Float(mean / Double(rows))
      compute.ranges(rows, size: max(1, Compute.slotPiece / max(1, columns))) { range in
        for row in range {
          let factor = 1 / (own[row] / rowMean).squareRoot() * scale
          let start = (matrix * rows + row) * columns
          for column in 0..<columns {
            let root = columnMeans.pointer[matrix * columns + column].squareRoot()
            y.pointer[start + column] = factor / root * x.pointer[start + column]
          }
        }
      }
    }
  }
}

extension Compute {
  /// What brings a tensor's root mean square down to `limit`: at most 1.
  func clipping(_ x: Tensor, to limit: Double) -> Float {
    let mean = sum(x.count) { squares(x.pointer, $0) } / Double(max(1, x.count))
    return Float(1 / max(1, mean.squareRoot() / limit))
  }
}
