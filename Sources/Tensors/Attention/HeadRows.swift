/// Rows of an array in which heads have their places.
struct HeadRows {
  let tensor: Tensor
  let place: HeadPlace

  /// From a row to the next.
  var stride: Int { tensor.columns }

  /// The heads of a key-value head from a row on.
  func view(row: Int, _ keyValueHead: Int) -> MatrixView {
    MatrixView(tensor).from(row: row, column: place.column(keyValueHead))
  }

  func pointer(row: Int, _ keyValueHead: Int) -> UnsafeMutablePointer<Float> {
    tensor.pointer + row * stride + place.column(keyValueHead)
  }
}

/// The gradient of what ``HeadRows`` hold, to write or to add to.
struct HeadTarget {
  let rows: HeadRows
  let accumulates: Bool
}
