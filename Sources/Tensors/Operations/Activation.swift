import CTensorKernels

/// The function between the maps of a feed-forward part.
package enum Activation: String, Sendable, Hashable, CaseIterable {
  /// x σ(x).
  case silu
  /// The tanh form of GELU: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).
  case geluTanh
  /// x Φ(x), with the normal distribution's Φ.
  case gelu
  case relu
  /// max(x, 0)² (arXiv:2109.08668).
  case reluSquared

  typealias Forward = @convention(c) (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void
  typealias Backward =
    @convention(c) (
      UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int
    ) -> Void

  func kernels(_ table: tk_kernels) -> (forward: Forward, backward: Backward) {
    let pair: (Forward?, Backward?) =
      switch self {
      case .silu: (table.silu, table.silu_backward)
      case .geluTanh: (table.gelu, table.gelu_backward)
      case .gelu: (table.gelu_erf, table.gelu_erf_backward)
      case .relu: (table.relu, table.relu_backward)
      case .reluSquared: (table.relu_squared, table.relu_squared_backward)
      }
    guard let forward = pair.0, let backward = pair.1 else { preconditionFailure("The table of kernels is complete") }
    return (forward, backward)
  }
}

extension Tape {
  /// f(x), element by element.
  package func activation(_ x: Variable, _ function: Activation) -> Variable {
    let functions = compute.kernels.functions
    let (forward, backward) = function.kernels(functions.pointee)
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient)
    let (value, input) = (y.stored, x.stored)
    let (count, columns) = (value.rows, value.columns)
    let rounded =
      y.needsGradient && compute.computeClass.takesBF16 ? BF16Matrix(rows: count, columns: columns) : nil
    rows.add(rows: count, [value, input]) { tile in
      for (place, row) in tile.rows.enumerated() {
        let x = input.view(tile).from(row: place)
        forward(value.view(tile).from(row: place).pointer, x.pointer, columns)
        rounded?.take(x, rows: 1, at: row, functions)
      }
    }
    guard let node = y.node else { return y }
    let saved: SavedActivation = if let rounded { .bf16(rounded) } else { .full(keep(input)) }
    record { [rows, x = x.node] in
      guard let dy = node.take()?.array else { return }
      let dx = RowArray(dy.shape)
      rows.add(rows: count, [dy, dx]) { tile in
        for (place, row) in tile.rows.enumerated() {
          // May be written where it is read.
          let target = dx.view(tile).from(row: place).pointer
          backward(
            target, dy.view(tile).from(row: place).pointer, saved.rows(row..<row + 1, space: target, functions), columns
          )
        }
      }
      x?.accumulate(GradientBuffer(dx), rows)
    }
    return y
  }
}
