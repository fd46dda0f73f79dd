import CTensorKernels

extension Tape {
  /// a + b, of one shape.
  package func add(_ a: Variable, _ b: Variable) -> Variable {
    precondition(a.stored.shape == b.stored.shape, "A sum needs arrays of one shape")
    let y = Variable(a.stored.shape, of: rows, needsGradient: a.needsGradient || b.needsGradient)
    let (sum, left, right) = (y.stored, a.stored, b.stored)
    let columns = sum.columns
    let add = compute.kernels.functions.pointee.add
    if computes {
      rows.add(rows: sum.rows, [sum, left, right]) { tile in
        add?(sum.first(of: tile), left.first(of: tile), right.first(of: tile), tile.rows.count * columns)
      }
    }
    if let node = y.node {
      record { [rows, a = a.node, b = b.node] in
        guard let dy = node.take() else { return }
        a?.accumulate(dy, rows)
        b?.accumulate(dy, rows)
      }
    }
    return y
  }
}
