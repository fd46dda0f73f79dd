import CTensorKernels

extension Tape {
  /// x / √(mean(x²) + ε) · weight for each row (Zhang and Sennrich 2019).
  ///
  /// - `x`: [T, C].
  /// - `weight`: [C].
  package func rmsNorm(_ x: Variable, weight: Parameter, epsilon: Float) -> Variable {
    normalise(x, adding: nil, weight: weight, epsilon: epsilon).normed
  }

  /// The sum of two arrays and its norm in one pass over memory.
  package func addRMSNorm(
    _ residual: Variable, _ x: Variable, weight: Parameter, epsilon: Float
  ) -> (sum: Variable, normed: Variable) {
    precondition(residual.value.shape == x.value.shape, "A sum needs arrays of one shape")
    return normalise(x, adding: residual, weight: weight, epsilon: epsilon)
  }

  /// Rows of one tile; partial sums of the weight's gradient are kept a tile.
  private static var tileRows: Int { 64 }

  private func normalise(
    _ x: Variable, adding residual: Variable?, weight: Parameter, epsilon: Float
  ) -> (sum: Variable, normed: Variable) {
    let rows = x.value.rows
    let width = x.value.columns
    precondition(
      weight.value.count == width, "The norm's weight has \(weight.value.count) elements for rows of \(width)")
    let compute = compute
    let functions = compute.kernels.functions
    let inputNeeds = x.needsGradient || residual?.needsGradient == true
    let sum =
      residual == nil ? x : Variable(Tensor(uninitialized: x.value.shape), needsGradient: inputNeeds)
    let normed = Variable(
      Tensor(uninitialized: x.value.shape), needsGradient: inputNeeds || wantsGradient(of: weight))
    let inverse = Tensor(uninitialized: [rows])
    compute.pieces(of: rows, size: Tape.tileRows) { piece in
      let start = piece.lowerBound * width
      functions.pointee.rms_norm(
        normed.value.pointer + start, inverse.pointer + piece.lowerBound, sum.value.pointer + start,
        residual.map { UnsafePointer($0.value.pointer + start) }, x.value.pointer + start, weight.value.pointer,
        piece.count, width, epsilon)
    }
    guard normed.needsGradient else { return (sum, normed) }

    let weightNeeds = wantsGradient(of: weight)
    record {
      if let dy = normed.takeGradient() {
        let tiles = (rows + Tape.tileRows - 1) / Tape.tileRows
        let partial = weightNeeds ? Tensor(shape: [tiles, width]) : nil
        let (dx, accumulates) =
          inputNeeds ? sum.gradientTarget() : (Tensor(uninitialized: x.value.shape), false)
        compute.pieces(of: rows, size: Tape.tileRows) { piece in
          let start = piece.lowerBound * width
          functions.pointee.rms_norm_backward(
            dx.pointer + start, partial.map { $0.pointer + piece.lowerBound / Tape.tileRows * width },
            dy.pointer + start, sum.value.pointer + start, weight.value.pointer, inverse.pointer + piece.lowerBound,
            piece.count, width, accumulates ? 1 : 0)
        }
        if let partial {
          let gradient = weight.gradientForAccumulation().pointer
          for tile in 0..<tiles { functions.pointee.add(gradient, gradient, partial.pointer + tile * width, width) }
        }
      }
      if let residual, let dsum = sum.takeGradient() {
        x.accumulate(dsum, compute)
        residual.accumulate(dsum, compute)
      }
    }
    return (sum, normed)
  }
}
