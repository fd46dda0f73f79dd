import CTensorKernels

/// An activation [T, n] as the backward pass reads it: rounded to bfloat16 in the class that multiplies so, which halves
/// what is kept.
enum SavedActivation {
  /// Rows that are kept whole.
  case full(RowArray)
  case bf16(BF16Matrix)

  /// Some of its rows, one after the other.
  ///
  /// - Parameter space: [rows, in], written unless the rows lie there already.
  func rows(_ rows: Range<Int>, space: UnsafeMutablePointer<Float>, _ kernels: UnsafePointer<tk_kernels>)
    -> UnsafePointer<Float>
  {
    switch self {
    case .full(let x): return UnsafePointer(x.tensor.pointer + rows.lowerBound * x.columns)
    case .bf16(let x):
      kernels.pointee.from_bf16(space, x.pointer + rows.lowerBound * x.columns, rows.count * x.columns)
      return UnsafePointer(space)
    }
  }
}
