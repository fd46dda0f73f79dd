import CTensorKernels

extension Tape {
  /// Some columns of each row: [T, columns].
  package func columns(of x: Variable, _ range: Range<Int>) -> Variable {
    let count = x.stored.rows
    let y = Variable([count, range.count], of: rows, needsGradient: x.needsGradient)
    let (value, input) = (y.stored, x.stored)
    rows.add(rows: count, [value, input]) { tile in
      for row in 0..<tile.rows.count {
        value.view(tile).from(row: row).pointer
          .update(from: input.view(tile).from(row: row, column: range.lowerBound).pointer, count: range.count)
      }
    }
    if let node = y.node {
      record { [rows, x = x.node, shape = x.stored.shape] in
        guard let dy = node.take()?.array else { return }
        let dx = RowArray(shape)
        rows.add(rows: count, [dy, dx]) { tile in
          dx.first(of: tile).update(repeating: 0, count: tile.rows.count * dx.columns)
          for row in 0..<tile.rows.count {
            dx.view(tile).from(row: row, column: range.lowerBound).pointer
              .update(from: dy.view(tile).from(row: row).pointer, count: range.count)
          }
        }
        x?.accumulate(GradientBuffer(dx), rows)
      }
    }
    return y
  }

  /// Keys of which each head has a part of its own and all share the rest: [T, heads · (still + turned)].
  ///
  /// - Parameters:
  ///   - own: [T, heads · …], whose first `still` elements of each head are its own part.
  ///   - shared: [T, …], with the shared part from column `start` on.
  package func joinedKeys(
    _ own: Variable, shared: Variable, from start: Int, heads: Int, still: Int, turned: Int
  ) -> Variable {
    let count = own.stored.rows
    let stride = own.stored.columns / heads
    let width = still + turned
    let y = Variable([count, heads * width], of: rows, needsGradient: own.needsGradient || shared.needsGradient)
    let (value, first, second) = (y.stored, own.stored, shared.stored)
    rows.add(rows: count, [value, first, second]) { tile in
      for row in 0..<tile.rows.count {
        for head in 0..<heads {
          let target = value.view(tile).from(row: row, column: head * width).pointer
          target.update(from: first.view(tile).from(row: row, column: head * stride).pointer, count: still)
          (target + still).update(from: second.view(tile).from(row: row, column: start).pointer, count: turned)
        }
      }
    }
    if let node = y.node {
      record { [rows, own = own.node, shared = shared.node] in
        guard let dy = node.take()?.array else { return }
        let (dOwn, dShared) = (RowArray([count, heads * stride]), RowArray([count, second.columns]))
        let add = rows.compute.kernels.functions.pointee.add
        rows.add(rows: count, [dy, dOwn, dShared]) { tile in
          dOwn.first(of: tile).update(repeating: 0, count: tile.rows.count * dOwn.columns)
          dShared.first(of: tile).update(repeating: 0, count: tile.rows.count * dShared.columns)
          for row in 0..<tile.rows.count {
            let sum = dShared.view(tile).from(row: row, column: start).pointer
            for head in 0..<heads {
              let source = dy.view(tile).from(row: row, column: head * width).pointer
              dOwn.view(tile).from(row: row, column: head * stride).pointer.update(from: source, count: still)
              add?(sum, sum, source + still, turned)
            }
          }
        }
        own?.accumulate(GradientBuffer(dOwn), rows)
        shared?.accumulate(GradientBuffer(dShared), rows)
      }
    }
    return y
  }
}
