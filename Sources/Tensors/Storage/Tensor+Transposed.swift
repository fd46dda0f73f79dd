extension Tensor {
  /// The matrix with rows and columns exchanged.
  package func transposed() -> Tensor {
    let (height, width) = (rows, columns)
    let result = Tensor(uninitialized: [width, height])
    onElements {
      for row in 0..<height {
        for column in 0..<width { result.pointer[column * height + row] = pointer[row * width + column] }
      }
    }
    return result
  }
}
