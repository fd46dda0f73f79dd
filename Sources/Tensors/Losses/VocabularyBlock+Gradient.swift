import CTensorKernels
import Glibc

/// The derivative of a loss with respect to scores, row by row, by what it is made of: c(p − (1 − ε)1[target] − ε/V), and
/// for being unlike another distribution what ``BlockDivergence`` says.
struct LabelDerivative {
  /// c of each row of x.
  var targets: [Float]
  /// ε.
  var smoothing: Float = 0
  /// What a divergence counts in each row of x; read where there is one.
  var weights: [Float] = []
  var divergence: (any BlockDivergence)?
}

extension VocabularyBlock {
  /// Writes dx for the block's rows and adds to the head's gradients; the scores are used up.
  ///
  /// - Parameters:
  ///   - derivative: With respect to the scores.
  ///   - dx: [L, C]; nil when x needs none.
  ///   - dHead: Of the head's parameters that are trained.
  func gradient(_ derivative: LabelDerivative, dx: Tensor?, dHead: HeadGradient) {
    if dHead.isEmpty, derivative.divergence == nil, let dx, let table = head.rowTable() {
      likelyGradient(derivative, dx: dx, table: table)
    } else {
      wholeGradient(derivative, dx: dx, dHead: dHead)
    }
  }

  private func wholeGradient(_ derivative: LabelDerivative, dx: Tensor?, dHead: HeadGradient) {
    let width = x.columns
    let others = derivative.smoothing / Float(head.outputs)
    let partial = dx == nil ? nil : Tensor(uninitialized: [chunks, rows.count, width])
    let matrix = dx == nil ? nil : head.weight.backward(on: program)
    compute.pool.tiles(chunks) { chunk in
      let columns = columns(chunk)
      let view = view(chunk)
      for row in 0..<rows.count {
        let weight = derivative.targets[rows.lowerBound + row]
        let start = view.pointer + row * view.stride
        let slopes = capSlopes(row, chunk)
        if let divergence = derivative.divergence {
          divergence.derive(row, chunk, of: self, weight: derivative.weights[rows.lowerBound + row], plus: weight)
        } else {
          compute.kernels.functions.pointee.scale(start, weight * factor(row, chunk), columns.count)
        }
        if chunkOfTarget(row) == chunk {
          start[Int(targets[rows.lowerBound + row]) - columns.lowerBound] -= weight * (1 - derivative.smoothing)
        }
        if others > 0 { for column in 0..<columns.count { start[column] -= weight * others } }
        if let slopes { for column in 0..<columns.count { start[column] *= slopes.pointer[column] } }
        if let bias = dHead.bias {
          compute.kernels.functions.pointee.add(
            bias.pointer + columns.lowerBound, bias.pointer + columns.lowerBound, start, columns.count)
        }
      }
      if let partial, let matrix {
        let left = LeftOperand(
          view, rows: rows.count, k: columns.count, for: CollectionOfOne(matrix), compute.kernels.functions)
        let target = MatrixView(partial.pointer + chunk * rows.count * width, stride: width)
        matrix.multiply(left, depths: columns, columns: 0..<width, into: target, accumulates: false)
      }
      if let dHead = dHead.weight {
        for part in stride(from: 0, to: columns.count, by: TileGrid.weightTile.rows) {
          compute.addOuterProducts(
            view.from(row: 0, column: part), MatrixView(x).from(row: rows.lowerBound),
            to: MatrixView(dHead).from(row: columns.lowerBound + part),
            m: min(TileGrid.weightTile.rows, columns.count - part), n: width, k: rows.count)
        }
      }
    }
    if let dx, let partial { sum(partial, into: dx) }
  }

  /// What the cap leaves of the derivatives of a row's scores in a chunk, 1 − (score / cap)²; nil without a cap.
  private func capSlopes(_ row: Int, _ chunk: Int) -> Tensor? {
    guard let cap = head.softCap else { return nil }
    let view = view(chunk).from(row: row)
    let slopes = Tensor(uninitialized: [columns(chunk).count])
    let maximum = maxima.pointer[chunk * rows.count + row]
    for column in 0..<slopes.count {
      let share = max(-1, (maximum + logf(view.pointer[column])) * head.temperature / cap)
      slopes.pointer[column] = 1 - share * share
    }
    return slopes
  }

  /// What turns a score of a chunk into its probability.
  func factor(_ row: Int, _ chunk: Int) -> Float {
    expf(maxima.pointer[chunk * rows.count + row] - logSums.pointer[row])
  }

  /// Writes the block's rows of dx, the sum of [parts, rows, C] in their order.
  func sum(_ partial: Tensor, into dx: Tensor) {
    let count = rows.count * x.columns
    let target = dx.pointer + rows.lowerBound * x.columns
    compute.elements(count) { piece in
      let start = piece.lowerBound
      (target + start).update(from: partial.pointer + start, count: piece.count)
      for part in 1..<max(1, partial.rows) {
        compute.kernels.functions.pointee.add(
          target + start, target + start, partial.pointer + part * count + start, piece.count)
      }
    }
  }
}
