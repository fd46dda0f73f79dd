import CTensorKernels

extension Tape {
  /// Rows of `table` [V, C] for the given ids: [T, C].
  ///
  /// Backward: each row of the table's gradient gets the sum over the positions of its id, in their order.
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``.
  package func embed(_ ids: [Int32], table: Parameter) throws -> Variable {
    let width = table.value.columns
    try checkIDs(ids, below: table.value.rows, operation: "embed")
    let rows = Tensor(uninitialized: [ids.count, width])
    let y = Variable(rows, needsGradient: wantsGradient(of: table))
    compute.pieces(of: ids.count, size: 128) { piece in
      for row in piece {
        (rows.pointer + row * width).update(from: table.value.pointer + Int(ids[row]) * width, count: width)
      }
    }
    if let node = y.node {
      record { [rows = self.rows] in
        guard let dy = node.takeAll(rows) else { return }
        let compute = rows.compute
        let gradient = table.gradientForAccumulation()
        onElements {
          let order = ids.indices.sorted { (ids[$0], $0) < (ids[$1], $1) }
          // A tile takes the ids whose first occurrence in `order` lies in its piece.
          compute.pieces(of: order.count, size: 128) { piece in
            var at = piece.lowerBound
            while at < piece.upperBound {
              let id = ids[order[at]]
              let starts = at == 0 || ids[order[at - 1]] != id
              while at < order.count, ids[order[at]] == id {
                if starts {
                  let target = gradient.pointer + Int(id) * width
                  compute.kernels.functions.pointee.add(target, target, dy.pointer + order[at] * width, width)
                }
                at += 1
              }
            }
          }
        }
      }
    }
    return y
  }

  /// Rows of a table [V, C] that is frozen and stays as it is stored: [T, C].
  ///
  /// - Throws: ``TensorError/tokenOutOfRange(operation:id:count:)``.
  package func embed(_ ids: [Int32], table: any StoredWeight) throws -> Variable {
    try checkIDs(ids, below: table.rows, operation: "embed")
    let rows = Tensor(uninitialized: [ids.count, table.columns])
    compute.pieces(of: ids.count, size: 16) { piece in
      for row in piece {
        table.expand(
          row: Int(ids[row]), 0..<table.columns, into: rows.pointer + row * table.columns, compute.kernels.functions)
      }
    }
    return Variable(rows)
  }

  func checkIDs(_ ids: [Int32], below count: Int, operation: String) throws {
    if let wrong = ids.first(where: { $0 < 0 || Int($0) >= count }) {
      throw TensorError.tokenOutOfRange(operation: operation, id: wrong, count: count)
    }
  }
}
