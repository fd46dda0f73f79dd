import CTensorKernels
import Glibc

/// Another model's distribution q over the vocabulary at each label, which the model's p is held to.
package struct LabelDivergence {
  package enum Direction: Sendable, Hashable {
    /// KL(q ‖ p): p has to be likely wherever q is.
    case forward
    /// KL(p ‖ q): p must not be likely where q is not.
    case reverse
  }

  /// What the other model's head reads, [L, its C].
  package var hidden: Tensor
  package var head: OutputHead
  package var direction: Direction
  /// What it counts.
  package var weight: Float

  package init(hidden: Tensor, head: OutputHead, direction: Direction = .forward, weight: Float) {
    self.hidden = hidden
    self.head = head
    self.direction = direction
    self.weight = weight
  }

  func check(rows: Int, _ own: OutputHead, _ operation: String) throws {
    guard hidden.shape == [rows, head.inputs] else {
      throw TensorError.shape(
        operation: operation, name: "other hidden states", expected: [rows, head.inputs], found: hidden.shape)
    }
    guard head.outputs == own.outputs else {
      throw TensorError.countMismatch(
        operation: operation, name: "other vocabulary", expected: own.outputs, found: head.outputs)
    }
  }
}

/// How far the distributions of a block's rows are from another model's.
///
/// Cost: the other model's scores, and two passes over the vocabulary with a logarithm for each.
struct BlockDivergence {
  private let other: VocabularyBlock
  private let direction: LabelDivergence.Direction
  private let weight: Float
  /// KL of each row.
  let values: [Float]

  init(_ divergence: LabelDivergence, of block: VocabularyBlock) {
    let other = VocabularyBlock(
      rows: block.rows, of: divergence.hidden, head: divergence.head, targets: block.targets, program: block.program)
    (self.other, direction, weight) = (other, divergence.direction, divergence.weight)
    let count = block.rows.count
    var sums = [Double](repeating: 0, count: block.chunks * count)
    let isForward = direction == .forward
    sums.withUnsafeMutableBufferPointer { sums in
      guard let sums = sums.baseAddress else { return }
      block.compute.pool.tiles(block.chunks) { chunk in
        for row in 0..<count {
          let (own, theirs) = (block.logs(row, chunk), other.logs(row, chunk))
          sums[chunk * count + row] = (0..<block.columns(chunk).count).reduce(0.0) { sum, column in
            let (p, q) = (Double(own(column)), Double(theirs(column)))
            return sum + (isForward ? exp(q) * (q - p) : exp(p) * (p - q))
          }
        }
      }
    }
    values = (0..<count).map { row in Float((0..<block.chunks).reduce(0.0) { $0 + sums[$1 * count + row] }) }
  }

  /// Turns the scores of a row in a chunk into c p + w · the derivative of the divergence: w(p − q) for the forward one,
  /// w p (log p − log q − KL) for the reverse one.
  ///
  /// - Parameters:
  ///   - rowWeight: What the divergence counts in the row, before its own weight.
  ///   - plus: c.
  func derive(_ row: Int, _ chunk: Int, of block: VocabularyBlock, weight rowWeight: Float, plus: Float) {
    let start = block.view(chunk).from(row: row).pointer
    let count = block.columns(chunk).count
    let weight = weight * rowWeight
    let kernels = block.compute.kernels.functions
    switch direction {
    case .forward:
      kernels.pointee.scale(start, (plus + weight) * block.factor(row, chunk), count)
      kernels.pointee.axpy(
        start, -weight * other.factor(row, chunk), other.view(chunk).from(row: row).pointer, count)
    case .reverse:
      let (own, theirs, factor) = (block.logs(row, chunk), other.logs(row, chunk), block.factor(row, chunk))
      for column in 0..<count {
        start[column] *= factor * (plus + weight * (own(column) - theirs(column) - values[row]))
      }
    }
  }
}

extension VocabularyBlock {
  /// log p of a column of a row's chunk; what is too small for a number of 32 bits counts as the smallest of them.
  fileprivate func logs(_ row: Int, _ chunk: Int) -> (Int) -> Float {
    let kept = view(chunk).from(row: row).pointer
    let shift = maxima.pointer[chunk * rows.count + row] - logSums.pointer[row]
    return { logf(max(kept[$0], Float.leastNormalMagnitude)) + shift }
  }
}
