import CTensorKernels
import Glibc

extension Tape {
  /// σ(gate) · x, row by row.
  ///
  /// - `x`: [T, C].
  /// - `gate`: [T, 1].
  package func gateRows(_ x: Variable, by gate: Variable) -> Variable {
    let y = Variable(x.stored.shape, of: rows, needsGradient: x.needsGradient || gate.needsGradient)
    let (value, input, logits) = (y.stored, x.stored, gate.stored)
    let (count, columns) = (value.rows, value.columns)
    let kernels = compute.kernels.functions
    rows.add(rows: count, [value, input, logits]) { tile in
      value.first(of: tile).update(from: input.first(of: tile), count: tile.rows.count * columns)
      for row in 0..<tile.rows.count {
        kernels.pointee.scale(
          value.first(of: tile) + row * columns, 1 / (1 + expf(-logits.first(of: tile)[row])), columns)
      }
    }
    guard let node = y.node else { return y }
    let (savedInput, savedLogits) = (keep(input), keep(logits))
    record { [rows, x = x.node, gate = gate.node] in
      guard let dy = node.take()?.array else { return }
      let (dx, dGate) = (RowArray(dy.shape), RowArray([count, 1]))
      rows.add(rows: count, [dy, dx, dGate, savedInput, savedLogits]) { tile in
        let (dys, dxs, xs) = (dy.first(of: tile), dx.first(of: tile), savedInput.first(of: tile))
        dxs.update(from: dys, count: tile.rows.count * columns)
        for row in 0..<tile.rows.count {
          let start = row * columns
          let share = 1 / (1 + expf(-savedLogits.first(of: tile)[row]))
          dGate.first(of: tile)[row] =
            kernels.pointee.dot(dys + start, xs + start, columns) * share * (1 - share)
          kernels.pointee.scale(dxs + start, share, columns)
        }
      }
      x?.accumulate(GradientBuffer(dx), rows)
      gate?.accumulate(GradientBuffer(dGate), rows)
    }
    return y
  }
}
