import CTensorKernels

extension Tape {
  /// A number of its own added to each column of x.
  ///
  /// - `x`: [T, C].
  /// - `terms`: C elements of any shape.
  package func addToColumns(_ x: Variable, _ terms: Variable) -> Variable {
    let (count, columns) = (x.stored.rows, x.stored.columns)
    let v = terms.value
    precondition(v.count == columns, "\(columns) columns want as many terms, found \(v.count)")
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient || terms.needsGradient)
    let (value, input) = (y.stored, x.stored)
    let add = compute.kernels.functions.pointee.add
    rows.add(rows: count, [value, input]) { tile in
      for row in 0..<tile.rows.count {
        let start = row * columns
        add?(value.first(of: tile) + start, input.first(of: tile) + start, v.pointer, columns)
      }
    }
    guard let node = y.node else { return y }
    record { [rows, x = x.node, terms = terms.node] in
      guard let dy = node.take() else { return }
      x?.accumulate(dy, rows)
      guard let terms else { return }
      rows.run()
      withExtendedLifetime(dy) {
        let sum = Tensor(shape: v.shape)
        rows.compute.pieces(of: columns, size: 64) { piece in
          for row in 0..<count {
            for column in piece { sum.pointer[column] += dy.array.tensor.pointer[row * columns + column] }
          }
        }
        terms.accumulate(GradientBuffer(sum), rows)
      }
    }
    return y
  }
}
