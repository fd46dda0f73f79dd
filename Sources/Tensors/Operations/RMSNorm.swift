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
    precondition(residual.stored.shape == x.stored.shape, "A sum needs arrays of one shape")
    return normalise(x, adding: residual, weight: weight, epsilon: epsilon)
  }

  private func normalise(
    _ x: Variable, adding residual: Variable?, weight: Parameter, epsilon: Float
  ) -> (sum: Variable, normed: Variable) {
    let count = x.stored.rows
    let width = x.stored.columns
    precondition(
      weight.value.count == width, "The norm's weight has \(weight.value.count) elements for rows of \(width)")
    let functions = compute.kernels.functions
    let inputNeeds = x.needsGradient || residual?.needsGradient == true
    let sum = residual == nil ? x : Variable(x.stored.shape, of: rows, needsGradient: inputNeeds)
    let normed = Variable(x.stored.shape, of: rows, needsGradient: inputNeeds || wantsGradient(of: weight))
    let inverse = Tensor(uninitialized: [count])
    let (input, before, added, output) = (x.stored, residual?.stored, sum.stored, normed.stored)
    rows.add(rows: count, [input, added, output] + [before].compactMap { $0 }) { tile in
      functions.pointee.rms_norm(
        output.first(of: tile), inverse.pointer + tile.rows.lowerBound, added.first(of: tile),
        before.map { UnsafePointer($0.first(of: tile)) }, input.first(of: tile), weight.value.pointer,
        tile.rows.count, width, epsilon)
    }
    guard let node = normed.node else { return (sum, normed) }

    let weightNeeds = wantsGradient(of: weight)
    let saved = keep(added)
    record { [rows, sum = sum.node, x = x.node, residual = residual?.node, isSum = residual != nil] in
      if let dy = node.take()?.array {
        // One row of partial sums a tile.
        let tileRows = RowProgram.tileRows(of: count)
        let tiles = (count + tileRows - 1) / tileRows
        let partial = weightNeeds ? Tensor(shape: [tiles, width]) : nil
        let (dx, accumulates) = sum?.target(rows) ?? (RowArray(dy.shape), false)
        rows.add(rows: count, [dy, saved, dx]) { tile in
          let first = tile.rows.lowerBound
          functions.pointee.rms_norm_backward(
            dx.first(of: tile), partial.map { $0.pointer + first / tileRows * width }, dy.first(of: tile),
            saved.first(of: tile), weight.value.pointer, inverse.pointer + first, tile.rows.count, width,
            accumulates ? 1 : 0)
        }
        if let partial {
          let gradient = weight.gradientForAccumulation().pointer
          rows.finally([
            {
              for tile in 0..<tiles { functions.pointee.add(gradient, gradient, partial.pointer + tile * width, width) }
            }
          ])
        }
      }
      if isSum, let dsum = sum?.take() {
        x?.accumulate(dsum, rows)
        residual?.accumulate(dsum, rows)
      }
    }
    return (sum, normed)
  }
}
